import { z } from 'zod';
import { blobRefSchema } from './jobs/blob-ref.js';
import { type ChatTask, chatTaskSchema } from './jobs/chat-task.js';
import { completionTaskSchema } from './jobs/completion-task.js';
import { embedTaskSchema, rerankTaskSchema } from './jobs/pooling-tasks.js';
import { detokenizeTaskSchema, tokenizerTaskSchema, tokenizeTaskSchema } from './jobs/tokenizer-tasks.js';
import { transcriptionTaskSchema } from './jobs/transcription-task.js';

export { type BlobRef, blobRefSchema } from './jobs/blob-ref.js';
export {
  type ChatContent,
  type ChatMessage,
  type ChatTask,
  type ContentPart,
  chatContentSchema,
  chatMessageSchema,
  chatTaskSchema,
  contentPartSchema,
  imagePartSchema,
  type ResponseFormat,
  responseFormatSchema,
  type Tool,
  type ToolCall,
  type ToolChoice,
  textPartSchema,
  toolCallSchema,
  toolChoiceSchema,
  toolSchema,
} from './jobs/chat-task.js';
export {
  type CompletionContent,
  type CompletionSampling,
  type CompletionTask,
  completionContentSchema,
  completionSamplingSchema,
  completionTaskSchema,
  type ImageCrop,
  imageCropSchema,
  type PromptItem,
  promptItemSchema,
  promptItemsSchema,
} from './jobs/completion-task.js';
export {
  type EmbedInputs,
  type EmbedTask,
  embedInputsSchema,
  embedTaskSchema,
  type RerankTask,
  rerankTaskSchema,
  textsSchema,
} from './jobs/pooling-tasks.js';
export {
  type Sampling,
  samplingSchema,
} from './jobs/sampling.js';
export {
  type DetokenizeTask,
  detokenizeTaskSchema,
  type TokenizerTask,
  type TokenizeTask,
  tokenizerTaskSchema,
  tokenizeTaskSchema,
} from './jobs/tokenizer-tasks.js';
export {
  type TranscriptionTask,
  transcriptionTaskSchema,
} from './jobs/transcription-task.js';

/**
 * A job is a letter: ids, parameters and references, never media and never more than `MAX_ENVELOPE_BYTES`.
 * Request text that does not fit travels as a blob like media (`messages: { blob }`).
 */
export const MAX_ENVELOPE_BYTES = 64 * 1024;

/**
 * Images never block text, and neither waits for embeddings: each checkpoint has one queue per lane. `media` holds audio,
 * too; `embed` all that is short and generates nothing: vectors, scores, tokens.
 */
export const laneKindSchema = z.enum(['text', 'media', 'embed']);
export type LaneKind = z.infer<typeof laneKindSchema>;

export interface Lane {
  readonly checkpoint: string;
  readonly kind: LaneKind;
}

export const taskSchema = z.discriminatedUnion('kind', [
  chatTaskSchema,
  completionTaskSchema,
  embedTaskSchema,
  rerankTaskSchema,
  transcriptionTaskSchema,
  tokenizeTaskSchema,
  detokenizeTaskSchema,
  tokenizerTaskSchema,
]);
export type Task = z.infer<typeof taskSchema>;

export const inferenceJobSchema = z.object({
  v: z.literal(1),
  /** UUIDv7, minted by the gateway; request id = job id. */
  id: z.uuid(),
  tenant: z.string(),
  model: z.string(),
  checkpoint: z.string(),
  lane: laneKindSchema,
  /** Milliseconds since the epoch on the gateway's clock; the job is dropped after it. */
  deadlineAtMs: z.number().int(),
  task: taskSchema,
  blobs: z.array(blobRefSchema),
  /**
   * Sha256 of tenant, model, task and blob names, hex: the same request sent again has the same one. By it a request
   * that ended an engine is known again.
   */
  fingerprint: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** Lower bound of the prompt's tokens, images included; absent when the gateway could not tell. */
  estimatedPromptTokens: z.number().int().nonnegative().optional(),
  /** Work to expect of it, in tokens of prompt and answer: for those who scale workers, never a bound. */
  expectedTokens: z.number().int().nonnegative().optional(),
  /** W3C trace context of the client, passed on untouched. */
  traceparent: z.string().optional(),
});
export type InferenceJob = z.infer<typeof inferenceJobSchema>;
export type ChatJob = JobOf<ChatTask>;
/** A job of one kind of task. */
export type JobOf<T extends Task> = Omit<InferenceJob, 'task'> & { readonly task: T };
