import { z } from 'zod';

/**
 * A job is a letter: ids, parameters and references, never media and never more than `MAX_ENVELOPE_BYTES`.
 * Request text that does not fit travels as a blob like media (`messages: { blob }`).
 */
export const MAX_ENVELOPE_BYTES = 64 * 1024;

/** Images never block text: each checkpoint has one queue per lane. */
export const laneKindSchema = z.enum(['text', 'media']);
export type LaneKind = z.infer<typeof laneKindSchema>;

export interface Lane {
  readonly checkpoint: string;
  readonly kind: LaneKind;
}

/** A claim check: where the bytes are and what they are. `name` is HMAC(tenant, digest), hex. */
export const blobRefSchema = z.object({
  name: z.string().regex(/^[0-9a-f]{64}$/),
  mediaType: z.string(),
  byteSize: z.number().int().nonnegative(),
  /** Pixels as the file's header says, for images. */
  width: z.number().int().positive().optional(),
  height: z.number().int().positive().optional(),
  /** Pictures in an animation; 1 for a still image. */
  frames: z.number().int().positive().optional(),
  /** EXIF orientation; absent means upright. Width and height are those before the rotation. */
  orientation: z.number().int().min(1).max(8).optional(),
});
export type BlobRef = z.infer<typeof blobRefSchema>;

export const textPartSchema = z.object({ type: z.literal('text'), text: z.string() });
export const imagePartSchema = z.object({
  type: z.literal('image'),
  /** Index into the envelope's `blobs`. */
  blob: z.number().int().nonnegative(),
  /** Where the client put it, for error messages: `messages[0].content[1].image_url.url`. */
  path: z.string(),
});
export const contentPartSchema = z.discriminatedUnion('type', [textPartSchema, imagePartSchema]);
export type ContentPart = z.infer<typeof contentPartSchema>;

export const chatMessageSchema = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z.array(contentPartSchema),
  name: z.string().optional(),
  /** True when the client sent a plain string, so that the engine gets one, too. */
  plain: z.boolean().optional(),
});
export type ChatMessage = z.infer<typeof chatMessageSchema>;

/** Sampling parameters, camelCase; absent means the model's default. */
export const samplingSchema = z.object({
  maxTokens: z.number().int().positive().optional(),
  temperature: z.number().optional(),
  topP: z.number().optional(),
  topK: z.number().int().optional(),
  n: z.number().int().positive().optional(),
  stop: z.array(z.string()).optional(),
  frequencyPenalty: z.number().optional(),
  presencePenalty: z.number().optional(),
  logitBias: z.record(z.string(), z.number()).optional(),
  seed: z.number().int().optional(),
  logprobs: z.boolean().optional(),
  topLogprobs: z.number().int().min(0).max(20).optional(),
});
export type Sampling = z.infer<typeof samplingSchema>;

export const chatTaskSchema = z.object({
  kind: z.literal('chat'),
  /** The messages, or the index of the blob that holds them as JSON. */
  messages: z.union([z.array(chatMessageSchema), z.object({ blob: z.number().int().nonnegative() })]),
  sampling: samplingSchema,
  /** Engine extensions the package lists, under their wire names. */
  extensions: z.record(z.string(), z.unknown()).optional(),
});
export type ChatTask = z.infer<typeof chatTaskSchema>;

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
  task: chatTaskSchema,
  blobs: z.array(blobRefSchema),
  /** W3C trace context of the client, passed on untouched. */
  traceparent: z.string().optional(),
});
export type InferenceJob = z.infer<typeof inferenceJobSchema>;
