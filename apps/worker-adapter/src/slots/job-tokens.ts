import type { ChatTask, InferenceJob } from '@fovea/schemas/jobs';

export interface TokenLimits {
  /** Of the model's package; null: only the context limits. */
  readonly maximumCompletionTokens: number | null;
  readonly maxModelLen: number;
}

/** A token of text is about four bytes, in languages that models know well. */
const BYTES_PER_TOKEN = 4;
/** A picture of about a megapixel. */
const IMAGE_TOKENS = 1_024;
/** Counted for an answer whose client names no maximum: few come near what a package allows. */
const UNBOUNDED_ANSWER_TOKENS = 2_048;

/**
 * Most tokens that a job may keep in the engine's cache: the gateway's estimate of the prompt, or a guess, and the
 * longest answer it may get, for each choice. Never more than the context holds.
 */
export function tokensOf(job: InferenceJob, { maximumCompletionTokens, maxModelLen }: TokenLimits): number {
  const prompt = Math.min(job.estimatedPromptTokens ?? guessPrompt(job), maxModelLen);
  const { task } = job;
  if (task.kind !== 'chat' && task.kind !== 'completion') return prompt;
  const { maxTokens, n = 1 } = task.sampling;
  const asked = maxTokens ?? UNBOUNDED_ANSWER_TOKENS;
  const answer = Math.min(asked, maximumCompletionTokens ?? asked, maxModelLen - prompt);
  const prompts = task.kind === 'completion' && Array.isArray(task.prompts) ? task.prompts.length : 1;
  return prompt + answer * n * prompts;
}

function guessPrompt({ task, blobs }: InferenceJob): number {
  const images = blobs.filter(({ mediaType }) => mediaType.startsWith('image/'));
  const texts = blobs.filter(({ mediaType }) => !mediaType.startsWith('image/'));
  const bytes = texts.reduce((total, { byteSize }) => total + byteSize, inlineBytes(task));
  return Math.ceil(bytes / BYTES_PER_TOKEN) + images.length * IMAGE_TOKENS;
}

function inlineBytes(task: ChatTask | Exclude<InferenceJob['task'], ChatTask>): number {
  if (task.kind !== 'chat') return Buffer.byteLength(JSON.stringify(task));
  if (!Array.isArray(task.messages)) return 0;
  return task.messages
    .flatMap(({ content }) => content)
    .reduce((total, part) => total + (part.type === 'text' ? Buffer.byteLength(part.text) : 0), 0);
}
