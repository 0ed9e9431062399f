import { z } from 'zod';
import type { ChatChunk } from '../chat/chat-chunk.js';

const count = z.number().int().nonnegative();

/**
 * OpenAI's older form of log probabilities, one entry per token in each list. Nothing is known of the first token of an
 * echoed prompt. `text_offset` is not read: servers count bytes, code units or code points.
 */
const legacyLogprobsSchema = z.object({
  tokens: z.array(z.string()).nullish(),
  token_logprobs: z.array(z.number().nullable()).nullish(),
  top_logprobs: z.array(z.record(z.string(), z.number().nullable()).nullable()).nullish(),
});

const choiceSchema = z.object({
  index: count.nullish(),
  text: z.string().nullish(),
  finish_reason: z.string().nullish(),
  stop_reason: z.union([z.string(), z.number()]).nullish(),
  logprobs: legacyLogprobsSchema.nullish(),
  token_ids: z.array(z.number().int()).nullish(),
});

type Choice = NonNullable<ChatChunk['choices']>[number];

function toLogprobs(logprobs: z.infer<typeof legacyLogprobsSchema>): Choice['logprobs'] {
  const { tokens, token_logprobs: own, top_logprobs: top } = logprobs;
  const content = (tokens ?? []).map((token, at) => ({
    token,
    logprob: own?.[at],
    top_logprobs: Object.entries(top?.[at] ?? {}).map(([text, logprob]) => ({ token: text, logprob })),
  }));
  return { content };
}

const toChoice = ({ text, logprobs, ...choice }: z.infer<typeof choiceSchema>): Choice => ({
  ...choice,
  delta: { content: text },
  logprobs: logprobs == null ? logprobs : toLogprobs(logprobs),
});

/** One chunk of a completion, or a whole one, read as tolerantly as a chat's and into the same form. */
export const completionChunkSchema = z
  .object({
    choices: z.array(choiceSchema).nullish(),
    usage: z.object({ prompt_tokens: count.nullish(), completion_tokens: count.nullish() }).nullish(),
    system_fingerprint: z.string().nullish(),
  })
  .transform((chunk): ChatChunk => ({ ...chunk, choices: chunk.choices?.map(toChoice) }));
