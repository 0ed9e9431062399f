import type { TranscriptionGeneration } from '@fovea/backends';
import type { JobOf, TranscriptionTask } from '@fovea/schemas/jobs';
import { blobChunks } from '../../images/engine-image.js';
import { type RequestPorts, refOf, requestHead, type ServedModel } from './request-source.js';

export type TranscriptionJob = JobOf<TranscriptionTask>;

/** What a speech engine gets; the recording is read when it is sent. Throws `INTERNAL` when the envelope lacks it. */
export function buildTranscription(
  job: TranscriptionJob,
  model: ServedModel,
  ports: RequestPorts,
  signal: AbortSignal,
): TranscriptionGeneration {
  const { audio, path, language, prompt, temperature } = job.task;
  const ref = refOf(job, audio);
  const { mediaType, byteSize } = ref;
  return {
    kind: 'transcription',
    ...requestHead(job, model, { hasCacheSalt: false }),
    audio: { mediaType, byteSize, path, chunks: () => blobChunks(ref, ports.blobs, signal) },
    ...(language === undefined ? {} : { language }),
    ...(prompt === undefined ? {} : { prompt }),
    ...(temperature === undefined ? {} : { temperature }),
  };
}
