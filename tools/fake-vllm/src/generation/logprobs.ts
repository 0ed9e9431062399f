import { hash } from '../tokenizer/vocabulary.js';
import type { Token } from './plan.js';
import type { Json } from './reply-shapes.js';
import type { Sampling } from './sampling.js';

/** How likely the fake says a token was: from its id alone. */
export function logprobOf(id: number): number {
  return -((id % 1000) / 1000);
}

/** The alternatives of a token, the sampled one first, which is vLLM's order also when others were likelier. */
export function alternatives(token: Token, count: number): { text: string; logprob: number }[] {
  const others = Array.from({ length: Math.max(0, count - 1) }, (_, rank) => ({
    text: `${token.text}${rank}`,
    logprob: -1 - rank - (hash(token.text) % 100) / 100,
  }));
  return count === 0 ? [] : [{ text: token.text, logprob: logprobOf(token.id) }, ...others];
}

function entry(text: string, logprob: number): Json {
  return { token: text, logprob, bytes: [...Buffer.from(text)] };
}

/** Chat's `logprobs`; null when none were asked for. */
export function chatLogprobs(tokens: readonly Token[], sampling: Sampling): Json | null {
  const top = sampling.topLogprobs;
  if (top === undefined || tokens.length === 0) return null;
  return {
    content: tokens.map((token) => ({
      ...entry(sampling.returnTokensAsIds ? `token_id:${token.id}` : token.text, logprobOf(token.id)),
      top_logprobs: alternatives(token, top).map(({ text, logprob }) => entry(text, logprob)),
    })),
  };
}

/** `prompt_logprobs`: nothing for the first token, then a map from token id to its facts. */
export function promptLogprobs(ids: readonly number[], textOf: (id: number) => string): (Json | null)[] {
  return ids.map((id, at) =>
    at === 0 ? null : { [id]: { logprob: logprobOf(id), rank: 1, decoded_token: textOf(id) } },
  );
}
