import type { Logprob } from '@fovea/schemas/events';
import type { CompletionLogprobsWire } from '@fovea/schemas/http';
import { isUnknown, likeliest } from '../choices/collected-choices.js';

/** OpenAI's older form: four lists, one entry per token. `offset` is where the first token begins in its choice's text. */
export function toLegacyLogprobs(logprobs: readonly Logprob[], offset: number): CompletionLogprobsWire {
  const wire: CompletionLogprobsWire = { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
  let at = offset;
  for (const logprob of logprobs) {
    const isKnown = !isUnknown(logprob);
    wire.tokens.push(logprob.token);
    wire.token_logprobs.push(isKnown ? logprob.logprob : null);
    wire.top_logprobs.push(isKnown ? likeliest(logprob) : null);
    wire.text_offset.push(at);
    at += logprob.token.length;
  }
  return wire;
}

/** UTF-16 code units of some tokens. */
export const lengthOf = (logprobs: readonly Logprob[]): number =>
  logprobs.reduce((sum, { token }) => sum + token.length, 0);
