import type { GeneratorType, ImageProcessor, ModelPackage } from '@fovea/schemas/model-package';
import type { WorkerFile } from './parse-worker-file.js';

/** What the file does not say: the engine does, and the model's own files. */
export interface EngineFacts {
  /** Tokens of prompt and completion together. */
  readonly maxModelLen: number;
  /** Null: it could not be told. */
  readonly imageProcessor: ImageProcessor | null;
}

const common = ['top_k', 'min_p', 'repetition_penalty', 'stop_token_ids', 'min_tokens', 'ignore_eos'];

/** Engine request fields that clients may use, by generator type (DESIGN D6). */
const extensionsByType: Readonly<Record<GeneratorType, readonly string[]>> = {
  vllm: [
    ...common,
    'skip_special_tokens',
    'structured_outputs',
    'guided_json',
    'guided_regex',
    'guided_choice',
    'guided_grammar',
    'guided_decoding_backend',
    'guided_whitespace_pattern',
    'reasoning_effort',
  ],
  onnx: common,
  luminous: [],
  transcription: [],
  embedding: [],
};

/** The package that a worker registers. Host-local parts of the file stay out, so they never conflict. */
export function toModelPackage({ generator, queue }: WorkerFile, facts: EngineFacts): ModelPackage {
  return {
    checkpoint: queue.checkpointName,
    version: queue.version,
    tags: [...queue.tags],
    generatorType: generator.type,
    models: [...queue.models],
    extensions: [...(queue.extensions ?? extensionsByType[generator.type])],
    capabilities: queue.capabilities,
    waitForWorkerS: queue.waitForWorkerS,
    maxModelLen: facts.maxModelLen,
    imageProcessor: facts.imageProcessor,
  };
}
