import { z } from 'zod';

/**
 * A job is a letter: ids, parameters and references, never media and never more than `MAX_ENVELOPE_BYTES`.
 * Request text that does not fit travels as a blob like media (`messages: { blob }`).
 */
export const MAX_ENVELOPE_BYTES = 64 * 1024;

/** Images never block text, and neither waits for embeddings: each checkpoint has one queue per lane. */
export const laneKindSchema = z.enum(['text', 'media', 'embed']);
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
  /** It may have transparent parts. */
  hasAlpha: z.boolean().optional(),
  /** Bits per channel, where they are more than 8. */
  bitDepth: z.number().int().positive().optional(),
  colourModel: z.literal('cmyk').optional(),
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

/** A call of a function that a model asked for. */
export const toolCallSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** JSON text, as the model wrote it. */
  arguments: z.string(),
});
export type ToolCall = z.infer<typeof toolCallSchema>;

export const chatMessageSchema = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  /** Empty only beside `toolCalls`. */
  content: z.array(contentPartSchema),
  name: z.string().optional(),
  /** On `assistant`: what it asked for. */
  toolCalls: z.array(toolCallSchema).min(1).optional(),
  /** On `tool`: which call this is the result of. */
  toolCallId: z.string().optional(),
  /** True when the client sent a plain string, so that the engine gets one, too. */
  plain: z.boolean().optional(),
});
export type ChatMessage = z.infer<typeof chatMessageSchema>;

/** Sampling parameters, camelCase; absent means the API's default, whatever the model's files say. */
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

/** A function the model may call. `parameters` is a JSON schema that was checked at the door. */
export const toolSchema = z.object({
  name: z.string(),
  description: z.string().optional(),
  parameters: z.record(z.string(), z.unknown()).optional(),
  strict: z.boolean().optional(),
});
export type Tool = z.infer<typeof toolSchema>;

export const toolChoiceSchema = z.union([
  z.enum(['none', 'auto', 'required']),
  /** This function and no other. */
  z.object({ name: z.string() }),
]);
export type ToolChoice = z.infer<typeof toolChoiceSchema>;

/** What the answer has to look like. `schema` is a JSON schema that was checked at the door. */
export const responseFormatSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    name: z.string(),
    schema: z.record(z.string(), z.unknown()),
    description: z.string().optional(),
    strict: z.boolean().optional(),
  }),
]);
export type ResponseFormat = z.infer<typeof responseFormatSchema>;

/** The part of a chat task that can be long. */
const chatContent = {
  tools: z.array(toolSchema).min(1).optional(),
  responseFormat: responseFormatSchema.optional(),
  /** Engine extensions the package lists, under their wire names. */
  extensions: z.record(z.string(), z.unknown()).optional(),
};
const chatMessagesSchema = z.array(chatMessageSchema).min(1);

/** What the blob of a long chat task holds, as JSON. */
export const chatContentSchema = z.object({ messages: chatMessagesSchema, ...chatContent });
export type ChatContent = z.infer<typeof chatContentSchema>;

export const chatTaskSchema = z.object({
  kind: z.literal('chat'),
  /** The messages; or the index of the blob with them and all else of the content, which is absent here then. */
  messages: z.union([chatMessagesSchema, z.object({ blob: z.number().int().nonnegative() })]),
  ...chatContent,
  sampling: samplingSchema,
  toolChoice: toolChoiceSchema.optional(),
  parallelToolCalls: z.boolean().optional(),
});
export type ChatTask = z.infer<typeof chatTaskSchema>;

/** Texts, or the index of the blob that holds them as a JSON array. */
const textsSchema = z.union([z.array(z.string()).min(1), z.object({ blob: z.number().int().nonnegative() })]);

export const embedTaskSchema = z.object({
  kind: z.literal('embed'),
  inputs: textsSchema,
  /** Length of each vector, for models that can be cut; the model's own when absent. */
  dimensions: z.number().int().positive().optional(),
});
export type EmbedTask = z.infer<typeof embedTaskSchema>;

export const rerankTaskSchema = z.object({
  kind: z.literal('rerank'),
  query: z.string(),
  documents: textsSchema,
});
export type RerankTask = z.infer<typeof rerankTaskSchema>;

export const taskSchema = z.discriminatedUnion('kind', [chatTaskSchema, embedTaskSchema, rerankTaskSchema]);
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
  /** W3C trace context of the client, passed on untouched. */
  traceparent: z.string().optional(),
});
export type InferenceJob = z.infer<typeof inferenceJobSchema>;
export type ChatJob = Omit<InferenceJob, 'task'> & { readonly task: ChatTask };
