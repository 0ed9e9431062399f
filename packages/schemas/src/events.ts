import { errorCodes } from '@fovea/errors';
import { z } from 'zod';
import { blobRefSchema } from './jobs/blob-ref.js';

/**
 * What one generation tells the world, in order: `generation-start`, any number of deltas, one `choice-end` per choice, then exactly
 * one terminal event (`generation-end` or `error`). Embedding and rerank jobs have one `embedding` or `score` per input in place of
 * deltas and choices; transcriptions have `text-delta` and `segment` events and one `transcription`; tokenizer jobs have `tokens`,
 * a `text-delta` or a `document`. Workers append these to the request's log; gateways
 * translate them to the client's dialect. Never media, never upstream addresses.
 */

/** Token counts as the engine reports them. */
export const usageSchema = z.object({
  promptTokens: z.number().int().nonnegative(),
  completionTokens: z.number().int().nonnegative(),
});
export type Usage = z.infer<typeof usageSchema>;

export const finishReasonSchema = z.enum(['stop', 'length', 'content_filter', 'tool_calls']);
export type FinishReason = z.infer<typeof finishReasonSchema>;

const tokenLogprobSchema = z.object({
  token: z.string(),
  /** Natural logarithm; -9999 when the engine gave none. */
  logprob: z.number(),
  /** UTF-8 bytes of the token. */
  bytes: z.array(z.number().int().min(0).max(255)),
});

/** One sampled token with the alternatives the client asked for. */
export const logprobSchema = tokenLogprobSchema.extend({ top: z.array(tokenLogprobSchema) });
export type Logprob = z.infer<typeof logprobSchema>;

/** Written together with the first output, never alone: a log that holds it has output. */
export const generationStartSchema = z.object({
  type: z.literal('generation-start'),
  /** Milliseconds the job waited in its lane before this attempt. */
  queueTimeMs: z.number().nonnegative(),
  attempt: z.number().int().positive(),
});

/** What any piece of an answer carries. */
const delta = {
  /** Which of the `n` choices. */
  index: z.number().int().nonnegative(),
  /** Token ids of this piece where the engine gives them; kept so that an answer can be continued elsewhere. */
  tokenIds: z.array(z.number().int()).optional(),
  logprobs: z.array(logprobSchema).optional(),
  /** Running totals where the engine reports them, so that an interrupted stream still has a count. */
  usage: usageSchema.optional(),
};

export const textDeltaSchema = z.object({ type: z.literal('text-delta'), ...delta, text: z.string() });

export const reasoningDeltaSchema = z.object({
  type: z.literal('reasoning-delta'),
  ...delta,
  text: z.string(),
});

/** A piece of a function call. The first one of a call has `id` and `name`; the `arguments` of all, joined, are JSON. */
export const toolCallDeltaSchema = z.object({
  type: z.literal('tool-call-delta'),
  ...delta,
  /** Place of the call in its choice, from 0. */
  call: z.number().int().nonnegative(),
  id: z.string().optional(),
  name: z.string().optional(),
  arguments: z.string(),
});

/** One vector of an embedding job. */
export const embeddingSchema = z.object({
  type: z.literal('embedding'),
  /** Which of the inputs. */
  index: z.number().int().nonnegative(),
  /** Little-endian float32 values, base64. */
  vector: z.base64(),
});

/** How well one document of a rerank job fits the query. */
export const scoreSchema = z.object({
  type: z.literal('score'),
  /** Which of the documents. */
  index: z.number().int().nonnegative(),
  score: z.number(),
});

/** A stretch of speech with its text. Times are seconds from the beginning of the audio. */
export const segmentSchema = z.object({
  type: z.literal('segment'),
  /** From 0. */
  index: z.number().int().nonnegative(),
  startS: z.number().nonnegative(),
  endS: z.number().nonnegative(),
  text: z.string(),
  tokenIds: z.array(z.number().int()),
  /** What the decoder said of it, where the engine tells: see OpenAI's verbose transcription. */
  avgLogprob: z.number().optional(),
  compressionRatio: z.number().optional(),
  noSpeechProb: z.number().optional(),
  temperature: z.number().optional(),
});

/** What was found out about the audio as a whole; once, before `generation-end`. */
export const transcriptionSchema = z.object({
  type: z.literal('transcription'),
  /** ISO 639-1. */
  language: z.string().optional(),
  durationS: z.number().nonnegative().optional(),
});

/** A stretch of the tokens of a text. A long list comes in several events. */
export const tokensSchema = z.object({
  type: z.literal('tokens'),
  tokenIds: z.array(z.number().int().nonnegative()),
  /** As the vocabulary spells them (`Ġhello`); absent when the engine does not tell. */
  tokens: z.array(z.string()).optional(),
});

/** An answer that is a file: where it lies. The request's reference keeps it until whoever sends it has released that. */
export const documentSchema = z.object({ type: z.literal('document'), blob: blobRefSchema });

export const choiceEndSchema = z.object({
  type: z.literal('choice-end'),
  index: z.number().int().nonnegative(),
  finishReason: finishReasonSchema,
  /** Which stop string or token ended it; absent when the model did. */
  stopReason: z.union([z.string(), z.number()]).optional(),
});

export const generationEndSchema = z.object({
  type: z.literal('generation-end'),
  usage: usageSchema,
  systemFingerprint: z.string().optional(),
});

export const errorEventSchema = z.object({
  type: z.literal('error'),
  code: z.enum(errorCodes),
  /** Public text. */
  message: z.string(),
  param: z.string().optional(),
  limit: z.object({ name: z.string(), value: z.number(), actual: z.number().optional() }).optional(),
  retryAfterS: z.number().int().positive().optional(),
  /** False when sending the same request again would do harm: the header `x-should-retry: false`. */
  mayRetry: z.literal(false).optional(),
  /** What had been generated when it broke. */
  usage: usageSchema.optional(),
});

export const generationEventSchema = z.discriminatedUnion('type', [
  generationStartSchema,
  textDeltaSchema,
  reasoningDeltaSchema,
  toolCallDeltaSchema,
  embeddingSchema,
  scoreSchema,
  segmentSchema,
  transcriptionSchema,
  tokensSchema,
  documentSchema,
  choiceEndSchema,
  generationEndSchema,
  errorEventSchema,
]);
export type GenerationEvent = z.infer<typeof generationEventSchema>;
export type TextDelta = z.infer<typeof textDeltaSchema>;
export type ReasoningDelta = z.infer<typeof reasoningDeltaSchema>;
export type ToolCallDelta = z.infer<typeof toolCallDeltaSchema>;
export type GenerationEnd = z.infer<typeof generationEndSchema>;
export type ErrorEvent = z.infer<typeof errorEventSchema>;
export type TerminalEvent = GenerationEnd | ErrorEvent;

export function isTerminal(event: GenerationEvent): event is TerminalEvent {
  return event.type === 'generation-end' || event.type === 'error';
}
