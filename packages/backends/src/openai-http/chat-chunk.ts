import type { Logprob } from '@fovea/schemas/events';
import { z } from 'zod';

/** What a missing logprob is written as on PhariaInference's wire. */
const noLogprob = -9999;

const tokenSchema = z.object({
  token: z.string(),
  logprob: z.number().nullish(),
  bytes: z.array(z.number().int().min(0).max(255)).nullish(),
});
const logprobEntrySchema = tokenSchema.extend({ top_logprobs: z.array(tokenSchema).nullish() });

const choiceSchema = z.object({
  index: z.number().int().nonnegative(),
  delta: z
    .object({
      content: z.string().nullish(),
      /** vLLM's name since 0.12. */
      reasoning: z.string().nullish(),
      reasoning_content: z.string().nullish(),
    })
    .nullish(),
  finish_reason: z.string().nullish(),
  logprobs: z.object({ content: z.array(logprobEntrySchema).nullish() }).nullish(),
  token_ids: z.array(z.number().int()).nullish(),
});

/**
 * One chunk of a streamed answer, read tolerantly: only what is used is looked at, and every engine version
 * leaves out or nulls other fields.
 */
export const chatChunkSchema = z.object({
  choices: z.array(choiceSchema),
  usage: z
    .object({
      prompt_tokens: z.number().int().nonnegative(),
      completion_tokens: z.number().int().nonnegative().nullish(),
    })
    .nullish(),
  system_fingerprint: z.string().nullish(),
});
export type ChatChunk = z.infer<typeof chatChunkSchema>;
export type ChunkChoice = ChatChunk['choices'][number];

function toToken(token: z.infer<typeof tokenSchema>): Omit<Logprob, 'top'> {
  const bytes = token.bytes ?? [...Buffer.from(token.token)];
  return { token: token.token, logprob: token.logprob ?? noLogprob, bytes };
}

/** The logprobs of a chunk as our events carry them; undefined when the chunk has none. */
export function logprobsOf(choice: ChunkChoice): Logprob[] | undefined {
  const content = choice.logprobs?.content;
  if (content == null || content.length === 0) return undefined;
  return content.map((entry) => ({ ...toToken(entry), top: (entry.top_logprobs ?? []).map(toToken) }));
}
