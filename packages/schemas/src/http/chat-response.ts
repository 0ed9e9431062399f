import { z } from 'zod';
import { finishReasonSchema } from '../events.js';

/**
 * Answers of `POST /chat/completions`, in the forms that both dialects' clients parse: `usage` is present and null on
 * every chunk but the usage chunk, every delta without a finish reason carries `content`, text and finish
 * reason never share a chunk.
 */
export const usageWireSchema = z
  .object({
    prompt_tokens: z.number().int(),
    completion_tokens: z.number().int(),
    total_tokens: z.number().int(),
  })
  .meta({ id: 'Usage' });
export type UsageWire = z.infer<typeof usageWireSchema>;

const tokenLogprobWireSchema = z.object({
  token: z.string(),
  logprob: z.number(),
  bytes: z.array(z.number().int()),
});

export const logprobsWireSchema = z
  .object({
    content: z.array(tokenLogprobWireSchema.extend({ top_logprobs: z.array(tokenLogprobWireSchema) })),
  })
  .meta({ id: 'Logprobs' });
export type LogprobsWire = z.infer<typeof logprobsWireSchema>;

export const chatAnswerSchema = z
  .object({
    id: z.string(),
    object: z.literal('chat.completion'),
    created: z.number().int(),
    model: z.string(),
    system_fingerprint: z.string().nullable(),
    choices: z.array(
      z.object({
        index: z.number().int(),
        finish_reason: finishReasonSchema,
        message: z.object({
          role: z.literal('assistant'),
          content: z.string(),
          reasoning_content: z.string().optional(),
          tool_calls: z.array(
            z.object({
              id: z.string(),
              type: z.literal('function'),
              function: z.object({ name: z.string(), arguments: z.string() }),
            }),
          ),
        }),
        logprobs: logprobsWireSchema.nullable(),
      }),
    ),
    usage: usageWireSchema,
  })
  .meta({ id: 'ChatAnswer' });
export type ChatAnswerWire = z.infer<typeof chatAnswerSchema>;

export const chatChunkSchema = z
  .object({
    id: z.string(),
    object: z.literal('chat.completion.chunk'),
    created: z.number().int(),
    model: z.string(),
    system_fingerprint: z.string().nullable(),
    usage: usageWireSchema.nullable(),
    choices: z.array(
      z.object({
        index: z.number().int(),
        finish_reason: finishReasonSchema.nullable(),
        delta: z.object({
          role: z.literal('assistant').optional(),
          content: z.string().optional(),
          reasoning_content: z.string().optional(),
          tool_calls: z
            .array(
              z.object({
                index: z.number().int(),
                id: z.string().optional(),
                type: z.literal('function').optional(),
                function: z.object({ name: z.string().optional(), arguments: z.string().optional() }),
              }),
            )
            .optional(),
        }),
        logprobs: logprobsWireSchema.nullable(),
      }),
    ),
  })
  .meta({ id: 'ChatChunk' });
export type ChatChunkWire = z.infer<typeof chatChunkSchema>;
