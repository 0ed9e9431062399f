import type { Generation } from '@fovea/backends';
import type { ChatTask, CompletionTask, InferenceJob, JobOf, TranscriptionTask } from '@fovea/schemas/jobs';
import { buildChatGeneration } from './chat-request.js';
import { buildCompletionGeneration, type CompletionJob } from './completion-request.js';
import type { RequestPorts, ServedModel } from './request-source.js';
import { buildTranscription, type TranscriptionJob } from './transcription-request.js';

/** A job that an engine answers with a stream of events. */
export type GenerationJob = JobOf<ChatTask> | JobOf<CompletionTask> | JobOf<TranscriptionTask>;

export const isGeneration = (job: InferenceJob): job is GenerationJob =>
  isChat(job) || isCompletion(job) || isTranscription(job);

const isChat = (job: InferenceJob): job is JobOf<ChatTask> => job.task.kind === 'chat';
const isTranscription = (job: InferenceJob): job is TranscriptionJob => job.task.kind === 'transcription';
const isCompletion = (job: InferenceJob): job is CompletionJob => job.task.kind === 'completion';

/** What the engine gets for a job. Fails as `buildChatGeneration` does. */
export function buildGeneration(
  job: GenerationJob,
  model: ServedModel,
  ports: RequestPorts,
  signal: AbortSignal,
): Promise<Generation> {
  if (isTranscription(job)) return Promise.resolve(buildTranscription(job, model, ports, signal));
  return isCompletion(job)
    ? buildCompletionGeneration(job, model, ports, signal)
    : buildChatGeneration(job, model, ports, signal);
}
