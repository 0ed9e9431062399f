import { z } from 'zod';
import { samplingSchema } from './sampling.js';

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
