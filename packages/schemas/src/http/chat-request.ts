import { z } from 'zod';
import { EXAMPLE_PICTURE } from './example-picture.js';
import {
  responseFormatWireSchema,
  toolCallWireSchema,
  toolChoiceWireSchema,
  toolWireSchema,
} from './tools.js';

/**
 * The chat request as clients send it (`POST /chat/completions`): snake_case, both dialects. Ranges follow the
 * PhariaInference API 4.7; `max_tokens`, `maximum_tokens` and `max_completion_tokens` are one thing under three names.
 * `null` counts as absent for every optional field; the door removes nulls before it parses.
 */
export const textPartWireSchema = z
  .object({ type: z.literal('text'), text: z.string().meta({ description: 'The words.' }) })
  .meta({ id: 'TextPart' });

export const imagePartWireSchema = z
  .object({
    type: z.literal('image_url'),
    image_url: z.object({
      url: z.string().meta({
        description: 'A base64 data URL, `data:image/png;base64,…`. Links are refused.',
        examples: [`data:image/png;base64,${EXAMPLE_PICTURE}`],
      }),
      detail: z.enum(['auto', 'low', 'high']).nullish().meta({ description: 'Accepted, without effect.' }),
    }),
  })
  .meta({ id: 'ImagePart' });

export const imageFilePartWireSchema = z
  .object({
    type: z.literal('image_file'),
    image_file: z.object({
      file_id: z
        .string()
        .min(1)
        .max(256)
        .meta({ description: 'A picture stored before with `POST /files`.', examples: ['file-0190…'] }),
      detail: z.enum(['auto', 'low', 'high']).nullish().meta({ description: 'Accepted, without effect.' }),
    }),
  })
  .meta({ id: 'ImageFilePart' });

export const contentWireSchema = z.union([
  z.string(),
  z.array(z.discriminatedUnion('type', [textPartWireSchema, imagePartWireSchema, imageFilePartWireSchema])),
]);

export const messageWireSchema = z
  .object({
    role: z
      .enum(['system', 'developer', 'user', 'assistant', 'tool'])
      .meta({ description: 'Who speaks. The order is for the template of the model to judge.' }),
    content: contentWireSchema.nullish().meta({ description: 'A text, or texts and pictures in any order.' }),
    name: z.string().max(256).nullish().meta({ description: 'Accepted, without effect.' }),
    tool_calls: z.array(toolCallWireSchema).max(128).nullish().meta({ description: 'On `assistant`.' }),
    tool_call_id: z.string().min(1).max(256).nullish().meta({ description: 'On `tool`.' }),
  })
  .meta({ id: 'Message' });
export type MessageWire = z.infer<typeof messageWireSchema>;

const tokenCap = z.number().int().min(1).optional();

export const chatRequestSchema = z
  .object({
    model: z
      .string()
      .min(1)
      .max(256)
      .meta({ description: 'A name of `GET /models`.', examples: ['shapes-vlm'] }),
    messages: z.array(messageWireSchema).min(1).max(10_000).meta({ description: 'The conversation so far.' }),
    max_tokens: tokenCap.meta({
      description: 'Most tokens to generate. Default: as many as the context leaves.',
    }),
    maximum_tokens: tokenCap.meta({ description: 'The same, as `aleph-alpha-client` names it.' }),
    max_completion_tokens: tokenCap.meta({ description: 'The same, as newer OpenAI SDKs name it.' }),
    temperature: z
      .number()
      .min(0)
      .max(2)
      .optional()
      .meta({ default: 1, description: '0 is the likeliest token; higher is more varied.' }),
    top_p: z.number().min(0).max(1).optional().meta({
      default: 1,
      description: 'Only the likeliest tokens that together have this probability. 0 is read as off.',
    }),
    top_k: z
      .number()
      .int()
      .min(-1)
      .optional()
      .meta({ default: 0, description: 'Only the k likeliest tokens. 0 and -1 are read as off.' }),
    n: z.number().int().min(1).max(16).optional().meta({ default: 1, description: 'Choices to generate.' }),
    stop: z
      .union([z.string().min(1), z.array(z.string().min(1)).max(16)])
      .optional()
      .meta({ description: 'The answer ends before any of these texts.' }),
    frequency_penalty: z.number().min(-2).max(2).optional().meta({
      default: 0,
      description: 'Taken from the logit of a token for each time it is there already.',
    }),
    presence_penalty: z
      .number()
      .min(-2)
      .max(2)
      .optional()
      .meta({ default: 0, description: 'Taken from the logit of a token that is there already.' }),
    logit_bias: z
      .record(z.string().regex(/^\d+$/), z.number().min(-100).max(100))
      .optional()
      .meta({ description: 'Token id → what is added to its logit, -100 … 100.' }),
    logprobs: z
      .boolean()
      .optional()
      .meta({ default: false, description: 'Return the log probabilities of the sampled tokens.' }),
    top_logprobs: z
      .number()
      .int()
      .min(0)
      .max(20)
      .optional()
      .meta({ description: 'Return those of that many of the likeliest tokens, too; needs `logprobs`.' }),
    seed: z
      .number()
      .int()
      .optional()
      .meta({ description: 'Makes sampling repeatable, as far as the engine can.' }),
    stream: z
      .boolean()
      .optional()
      .meta({ default: false, description: 'Answer with server-sent events while it is generated.' }),
    stream_options: z
      .object({
        include_usage: z
          .boolean()
          .nullish()
          .meta({ default: false, description: 'One more event with the usage.' }),
      })
      .optional()
      .meta({ description: 'Without `stream` it has no effect.' }),
    response_format: responseFormatWireSchema
      .optional()
      .meta({ description: 'Hold the answer to JSON or a schema; for engines that can.' }),
    tools: z
      .array(toolWireSchema)
      .max(128)
      .optional()
      .meta({ description: 'Functions that the model may call; for engines that can.' }),
    tool_choice: toolChoiceWireSchema
      .optional()
      .meta({ description: 'Default: `auto` with tools, `none` without.' }),
    parallel_tool_calls: z
      .boolean()
      .optional()
      .meta({ default: true, description: 'False: one call at most.' }),
    steering_concepts: z
      .array(z.string())
      .optional()
      .meta({ description: 'Only empty: no engine of ours steers.' }),
    user: z.string().optional().meta({ description: 'Accepted, without effect.' }),
    service_tier: z.string().optional().meta({ description: 'Accepted, without effect.' }),
    hosting: z.string().optional().meta({ description: 'Accepted, without effect.' }),
    tags: z.array(z.string()).optional().meta({ description: 'Accepted, without effect.' }),
    metadata: z.record(z.string(), z.unknown()).optional().meta({ description: 'Accepted, without effect.' }),
    store: z.boolean().optional().meta({ description: 'Accepted, without effect.' }),
  })
  .meta({ id: 'ChatRequest' });
export type ChatRequestWire = z.infer<typeof chatRequestSchema>;
