import type { InferenceJob, Task } from '@fovea/schemas/jobs';

/** What a request holds of its images while it sends them: chunks that are read, pieces that are encoded. */
const SENDING_BYTES = 2 * 1024 * 1024;

/** Most bytes of its blobs that a job holds in memory: long messages whole, images in passing. */
export function heldBytes(job: InferenceJob): number {
  const index = wholeBlob(job.task);
  const whole = index === undefined ? undefined : job.blobs[index];
  const images = job.blobs.filter((blob) => blob !== whole);
  const imageBytes = images.reduce((total, blob) => total + blob.byteSize, 0);
  return (whole?.byteSize ?? 0) + Math.min(SENDING_BYTES, imageBytes);
}

function wholeBlob(task: Task): number | undefined {
  switch (task.kind) {
    case 'chat':
      return Array.isArray(task.messages) ? undefined : task.messages.blob;
    case 'embed':
      return Array.isArray(task.inputs) ? undefined : task.inputs.blob;
    case 'rerank':
      return Array.isArray(task.documents) ? undefined : task.documents.blob;
    case 'completion':
      return Array.isArray(task.prompts) ? undefined : task.prompts.blob;
    case 'tokenize':
      return typeof task.text === 'string' ? undefined : task.text.blob;
    case 'detokenize':
      return Array.isArray(task.tokenIds) ? undefined : task.tokenIds.blob;
    case 'transcription':
    case 'tokenizer':
      return undefined;
  }
}
