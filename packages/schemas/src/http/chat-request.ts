import { z } from 'zod';
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
  .object({ type: z.literal('text'), text: z.string() })
  .meta({ id: 'TextPart' });

export const imagePartWireSchema = z
  .object({
    type: z.literal('image_url'),
    image_url: z.object({
      url: z.string().meta({
        description: 'A base64 data URL, `data:image/png;base64,…`. Links are refused.',
        examples: ['data:image/png;base64,iVBORw0KGgo='],
      }),
      detail: z.enum(['auto', 'low', 'high']).optional().meta({ description: 'Accepted, without effect.' }),
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
      detail: z.enum(['auto', 'low', 'high']).optional().meta({ description: 'Accepted, without effect.' }),
    }),
  })
  .meta({ id: 'ImageFilePart' });

export const contentWireSchema = z.union([
  z.string(),
  z.array(z.discriminatedUnion('type', [textPartWireSchema, imagePartWireSchema, imageFilePartWireSchema])),
]);

export const messageWireSchema = z
  .object({
    role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
    content: contentWireSchema.nullish(),
    name: z.string().max(256).optional(),
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
      .meta({ examples: ['shapes-vlm'] }),
    messages: z.array(messageWireSchema).min(1).max(10_000),
    max_tokens: tokenCap.meta({ description: 'Most tokens to generate.' }),
    maximum_tokens: tokenCap.meta({ description: 'The same, as `aleph-alpha-client` names it.' }),
    max_completion_tokens: tokenCap.meta({ description: 'The same, as newer OpenAI SDKs name it.' }),
    temperature: z.number().min(0).max(2).optional(),
    top_p: z.number().min(0).max(1).optional().meta({ description: '0 is read as off.' }),
    top_k: z.number().int().min(-1).optional().meta({ description: '0 and -1 are read as off.' }),
    n: z.number().int().min(1).max(16).optional(),
    stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(16)]).optional(),
    frequency_penalty: z.number().min(-2).max(2).optional(),
    presence_penalty: z.number().min(-2).max(2).optional(),
    logit_bias: z.record(z.string().regex(/^\d+$/), z.number().min(-100).max(100)).optional(),
    logprobs: z.boolean().optional(),
    top_logprobs: z.number().int().min(0).max(20).optional(),
    seed: z.number().int().optional(),
    stream: z.boolean().optional(),
    stream_options: z.object({ include_usage: z.boolean().nullish() }).optional(),
    response_format: responseFormatWireSchema.optional(),
    tools: z.array(toolWireSchema).max(128).optional(),
    tool_choice: toolChoiceWireSchema.optional(),
    parallel_tool_calls: z.boolean().optional(),
    steering_concepts: z.array(z.string()).optional(),
    user: z.string().optional().meta({ description: 'Accepted, without effect.' }),
    service_tier: z.string().optional().meta({ description: 'Accepted, without effect.' }),
    hosting: z.string().optional().meta({ description: 'Accepted, without effect.' }),
    tags: z.array(z.string()).optional().meta({ description: 'Accepted, without effect.' }),
    metadata: z.record(z.string(), z.unknown()).optional().meta({ description: 'Accepted, without effect.' }),
    store: z.boolean().optional().meta({ description: 'Accepted, without effect.' }),
  })
  .meta({ id: 'ChatRequest' });
export type ChatRequestWire = z.infer<typeof chatRequestSchema>;
