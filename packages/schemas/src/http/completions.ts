import { z } from 'zod';
import { finishReasonSchema } from '../events.js';
import { usageWireSchema } from './chat-response.js';
import { MAX_STOP_SEQUENCES } from './complete-request.js';

/** OpenAI's older route for raw prompts, `POST /completions`. */

/** Most texts that one request generates: prompts, times `n` or `best_of`. */
export const MAX_CANDIDATES = 128;

const tokenIds = z.array(z.number().int().min(0)).min(1).max(1_000_000);

export const completionsRequestSchema = z
  .object({
    model: z.string().min(1).max(256),
    prompt: z
      .union([
        z.string(),
        z.array(z.string()).min(1).max(MAX_CANDIDATES),
        tokenIds,
        z.array(tokenIds).min(1).max(MAX_CANDIDATES),
      ])
      .meta({ description: 'A text, texts, a prompt as token ids, or several of those.' }),
    max_tokens: z.number().int().min(0).optional().meta({ description: 'Default: 16. 0 needs `echo`.' }),
    temperature: z.number().min(0).max(2).optional().meta({ description: 'Default: 1.' }),
    top_p: z.number().min(0).max(1).optional().meta({ description: '0 is read as off.' }),
    top_k: z.number().int().min(-1).optional().meta({ description: '0 and -1 are read as off.' }),
    n: z.number().int().min(1).max(16).optional().meta({ description: 'Choices for each prompt.' }),
    best_of: z.number().int().min(1).max(20).optional().meta({
      description: 'Candidates of which the `n` with the highest log probability per token are returned.',
    }),
    stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(MAX_STOP_SEQUENCES)]).optional(),
    presence_penalty: z.number().min(-2).max(2).optional(),
    frequency_penalty: z.number().min(-2).max(2).optional(),
    logit_bias: z.record(z.string().regex(/^\d+$/), z.number().min(-100).max(100)).optional(),
    logprobs: z.number().int().min(0).max(5).optional(),
    echo: z.boolean().optional(),
    seed: z.number().int().optional(),
    stream: z.boolean().optional(),
    stream_options: z.object({ include_usage: z.boolean().nullish() }).optional(),
    suffix: z.string().optional().meta({ description: 'Refused unless empty.' }),
    user: z.string().optional().meta({ description: 'Accepted, without effect.' }),
    hosting: z.string().optional().meta({ description: 'Accepted, without effect.' }),
    tags: z.array(z.string()).optional().meta({ description: 'Accepted, without effect.' }),
  })
  .meta({ id: 'CompletionsRequest' });
export type CompletionsRequestWire = z.infer<typeof completionsRequestSchema>;

export const completionLogprobsSchema = z
  .object({
    tokens: z.array(z.string()),
    token_logprobs: z.array(z.number().nullable()),
    top_logprobs: z.array(z.record(z.string(), z.number()).nullable()),
    text_offset: z.array(z.number().int()).meta({ description: 'UTF-16 code units in front of the token.' }),
  })
  .meta({ id: 'CompletionLogprobs' });
export type CompletionLogprobsWire = z.infer<typeof completionLogprobsSchema>;

const choice = <F extends z.ZodType>(finishReason: F) =>
  z.object({
    index: z.number().int().meta({ description: 'Choice `i` belongs to prompt `floor(i / n)`.' }),
    text: z.string(),
    logprobs: completionLogprobsSchema.nullable(),
    finish_reason: finishReason,
  });

const head = {
  id: z.string(),
  object: z.literal('text_completion'),
  created: z.number().int(),
  model: z.string(),
  system_fingerprint: z.string().nullable(),
};

export const completionsAnswerSchema = z
  .object({ ...head, choices: z.array(choice(finishReasonSchema)), usage: usageWireSchema })
  .meta({ id: 'CompletionsAnswer' });
export type CompletionsAnswerWire = z.infer<typeof completionsAnswerSchema>;

export const completionsChunkSchema = z
  .object({
    ...head,
    choices: z.array(choice(finishReasonSchema.nullable())),
    usage: usageWireSchema.nullable(),
  })
  .meta({ id: 'CompletionsChunk' });
export type CompletionsChunkWire = z.infer<typeof completionsChunkSchema>;
