import { z } from 'zod';

/** Answers of `POST /complete`, `POST /complete/json` and `POST /evaluate`, in the forms that were recorded. */
const whyItEnded = z.enum(['maximum_tokens', 'end_of_text', 'stop_sequence_reached']);
export type CompletionEndWire = z.infer<typeof whyItEnded>;

/** One map per token: the likeliest tokens and the sampled one, by their text. Empty for the first of an echoed prompt. */
const tokenMaps = z.array(z.record(z.string(), z.number()));

const said = {
  completion: z.string(),
  raw_completion: z.string().optional(),
  completion_tokens: z.array(z.string()).optional(),
  log_probs: tokenMaps.optional(),
};

/** The prompt as it was read, in the items of the request; `data` of an image is left empty. */
export const optimizedPromptSchema = z.array(
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('text'), data: z.string() }),
    z.object({
      type: z.literal('image'),
      data: z.literal('').meta({ description: 'Pictures are not sent back.' }),
      x: z.number().int().nullable(),
      y: z.number().int().nullable(),
      size: z.number().int().nullable(),
    }),
    z.object({ type: z.literal('token_ids'), data: z.array(z.number().int()) }),
  ]),
);
export type OptimizedPromptWire = z.infer<typeof optimizedPromptSchema>;

const counts = {
  num_tokens_prompt_total: z
    .number()
    .int()
    .meta({ description: 'Tokens of the prompt, for each candidate.' }),
  num_tokens_generated: z.number().int().meta({ description: 'Of all candidates together.' }),
};

export const completeAnswerSchema = z
  .object({
    model_version: z.string(),
    completions: z.array(z.object({ index: z.number().int(), ...said, finish_reason: whyItEnded })),
    optimized_prompt: optimizedPromptSchema.optional(),
    ...counts,
  })
  .meta({ id: 'CompleteAnswer' });
export type CompleteAnswerWire = z.infer<typeof completeAnswerSchema>;

/** One event of a streamed answer: chunks, a summary per completion, and one of all at the end. */
export const completeEventSchema = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('stream_chunk'), index: z.number().int(), ...said }),
    z.object({
      type: z.literal('stream_summary'),
      index: z.number().int(),
      model_version: z.string(),
      finish_reason: whyItEnded,
    }),
    z.object({
      type: z.literal('completion_summary'),
      optimized_prompt: optimizedPromptSchema.optional(),
      ...counts,
    }),
  ])
  .meta({ id: 'CompleteEvent' });
export type CompleteEventWire = z.infer<typeof completeEventSchema>;

export const evaluateAnswerSchema = z
  .object({
    model_version: z.string(),
    result: z.object({
      log_probability: z.number(),
      log_perplexity: z.number(),
      log_perplexity_per_token: z.number(),
      log_perplexity_per_character: z.number(),
      correct_greedy: z
        .boolean()
        .meta({ description: 'Each expected token is the likeliest one at its place.' }),
      token_count: z.number().int(),
      character_count: z.number().int(),
      completion: z.string().meta({ description: 'The likeliest token at each place.' }),
    }),
    num_tokens_prompt_total: z.number().int().meta({ description: 'Of prompt and expectation together.' }),
  })
  .meta({ id: 'EvaluateAnswer' });
export type EvaluateAnswerWire = z.infer<typeof evaluateAnswerSchema>;
