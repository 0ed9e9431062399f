import type { Token } from './plan.js';
import type { Sampling } from './sampling.js';

export interface Cut {
  readonly tokens: readonly Token[];
  readonly stop: string | number | null;
}

function cutAtText(tokens: readonly Token[], sampling: Sampling): Cut {
  const text = tokens.map((token) => token.text).join('');
  const found = sampling.stops
    .map((stop) => ({ stop, at: text.indexOf(stop) }))
    .filter(({ at }) => at !== -1);
  const first = found.sort((a, b) => a.at - b.at)[0];
  if (first === undefined) return { tokens, stop: null };
  const end = first.at + (sampling.includeStop ? first.stop.length : 0);
  const kept: Token[] = [];
  let length = 0;
  for (const token of tokens) {
    if (length >= end) break;
    kept.push({ ...token, text: token.text.slice(0, end - length) });
    length += token.text.length;
  }
  return { tokens: kept, stop: first.stop };
}

/** Ends an answer at the first stop token id or stop string; a stop token counts, but its text is left out. */
export function cutAtStop(tokens: readonly Token[], sampling: Sampling): Cut {
  const at = tokens.findIndex(({ id }) => sampling.stopTokenIds.includes(id));
  if (at === -1) return cutAtText(tokens, sampling);
  const before = tokens.slice(0, at);
  const byText = cutAtText(before, sampling);
  if (byText.stop !== null) return byText;
  const last = tokens[at];
  if (last === undefined) return { tokens: before, stop: null };
  return { tokens: [...before, sampling.includeStop ? last : { ...last, text: '' }], stop: last.id };
}
