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
    model: z.string().min(1).max(256).meta({ description: 'A name of `GET /models`.' }),
    prompt: z
      .union([
        z.string(),
        z.array(z.string()).min(1).max(MAX_CANDIDATES),
        tokenIds,
        z.array(tokenIds).min(1).max(MAX_CANDIDATES),
      ])
      .meta({ description: 'A text, texts, a prompt as token ids, or several of those.' }),
    max_tokens: z
      .number()
      .int()
      .min(0)
      .optional()
      .meta({ default: 16, description: 'Most tokens to generate for each choice. 0 needs `echo`.' }),
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
    n: z
      .number()
      .int()
      .min(1)
      .max(16)
      .optional()
      .meta({ default: 1, description: 'Choices for each prompt.' }),
    best_of: z.number().int().min(1).max(20).optional().meta({
      description: 'Candidates of which the `n` with the highest log probability per token are returned.',
    }),
    stop: z
      .union([z.string().min(1), z.array(z.string().min(1)).max(MAX_STOP_SEQUENCES)])
      .optional()
      .meta({ description: 'The text ends before any of these.' }),
    presence_penalty: z
      .number()
      .min(-2)
      .max(2)
      .optional()
      .meta({ default: 0, description: 'Taken from the logit of a token that is there already.' }),
    frequency_penalty: z.number().min(-2).max(2).optional().meta({
      default: 0,
      description: 'Taken from the logit of a token for each time it is there already.',
    }),
    logit_bias: z
      .record(z.string().regex(/^\d+$/), z.number().min(-100).max(100))
      .optional()
      .meta({ description: 'Token id → what is added to its logit, -100 … 100.' }),
    logprobs: z
      .number()
      .int()
      .min(0)
      .max(5)
      .optional()
      .meta({ description: '0: of the sampled tokens only; k: of the k likeliest, too.' }),
    echo: z.boolean().optional().meta({ default: false, description: 'The text begins with the prompt.' }),
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
