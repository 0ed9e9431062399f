/** A worker file for a scripted engine, or for a model of the shim. */
export const workerToml = (
  model: string,
  options: {
    multimodal?: boolean;
    type?: 'vllm' | 'onnx';
    version?: number;
    slots?: number;
    /** Family of the model's image processor, to be counted as its published checkpoints are. */
    imageFamily?: string;
  } = {},
): string => `
edition = 1
[generator]
type = "${options.type ?? 'vllm'}"
url = "http://127.0.0.1:1"
max_num_seqs = ${options.slots ?? 8}
${options.imageFamily === undefined ? '' : `image_processor.family = "${options.imageFamily}"`}
[queue]
checkpoint_name = "${model}"
version = ${options.version ?? 1}
[queue.models."${model}"]
description = "for tests"
multimodal_enabled = ${options.multimodal ?? true}
[queue.models."${model}".chat_task]
supported = true
`;
