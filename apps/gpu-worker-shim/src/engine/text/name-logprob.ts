import type { PromptLogprob, TokenLogprob } from '../../models/chat-model.js';
import type { GivenLogprobs, IdLogprob, RankedIdLogprob } from '../sampling/logprobs.js';
import type { TokenBytes } from './token-text.js';

/** The token behind an id, as answers show it. */
export function nameLogprob({ id, logprob }: IdLogprob, tokens: TokenBytes): TokenLogprob {
  const bytes = tokens.bytesOf(id) ?? new Uint8Array();
  return { token: new TextDecoder().decode(bytes), logprob, bytes: [...bytes] };
}

/** The same for a token of a prompt and the best ones in its place. */
export function nameGiven({ top, ...given }: GivenLogprobs, tokens: TokenBytes): PromptLogprob {
  const ranked = (entry: RankedIdLogprob) => ({
    ...nameLogprob(entry, tokens),
    id: entry.id,
    rank: entry.rank,
  });
  return { ...ranked(given), top: top.map(ranked) };
}
