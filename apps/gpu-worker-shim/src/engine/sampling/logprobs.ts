/** A token id with its natural logarithmic probability. */
export interface IdLogprob {
  readonly id: number;
  readonly logprob: number;
}

/** With its place among all tokens: 1 is the most probable one; of equal ones the lower id comes first. */
export interface RankedIdLogprob extends IdLogprob {
  readonly rank: number;
}

/** What a model thought of a token that was given to it. */
export interface GivenLogprobs extends RankedIdLogprob {
  /** The best ones, in order, the given one among them if it is one. */
  readonly top: readonly RankedIdLogprob[];
}

export interface RowLogprobs {
  readonly sampled: IdLogprob;
  /** As vLLM gives them: the sampled token first, then ranks 1, 2, … without it, `count` entries in all. */
  readonly top: readonly IdLogprob[];
}

/** vLLM never shows less: JSON has no minus infinity. */
const LOWEST = -9999;

function logSumExp(logits: Float32Array): number {
  let highest = -Infinity;
  for (const logit of logits) if (logit > highest) highest = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - highest);
  return highest + Math.log(sum);
}

/** Ids of the `count` highest logits, best first; a short ordered list is kept while the row is read once. */
function highestIds(logits: Float32Array, count: number): number[] {
  const ids: number[] = [];
  for (let id = 0; id < logits.length; id += 1) {
    const logit = logits[id]!;
    if (ids.length === count && logit <= logits[ids[count - 1]!]!) continue;
    let at = ids.length;
    while (at > 0 && logit > logits[ids[at - 1]!]!) at -= 1;
    ids.splice(at, 0, id);
    if (ids.length > count) ids.pop();
  }
  return ids;
}

/** How probable a given token was, and the `count` best ones, under the model's own distribution. */
export function givenLogprobs(logits: Float32Array, givenId: number, count: number): GivenLogprobs {
  const total = logSumExp(logits);
  const own = logits[givenId]!;
  let rank = 1;
  for (let id = 0; id < logits.length; id += 1) {
    const logit = logits[id]!;
    if (logit > own || (logit === own && id < givenId)) rank += 1;
  }
  const entry = (id: number) => ({ id, logprob: Math.max(LOWEST, logits[id]! - total) });
  const best = count === 0 ? [] : highestIds(logits, count);
  return { ...entry(givenId), rank, top: best.map((id, at) => ({ ...entry(id), rank: at + 1 })) };
}

/** Log probabilities under the model's own distribution, before any sampling parameter. */
export function rowLogprobs(logits: Float32Array, sampledId: number, count: number): RowLogprobs {
  const total = logSumExp(logits);
  const entry = (id: number): IdLogprob => ({ id, logprob: Math.max(LOWEST, logits[id]! - total) });
  const sampled = entry(sampledId);
  if (count === 0) return { sampled, top: [] };
  const others = highestIds(logits, count).filter((id) => id !== sampledId);
  return { sampled, top: [sampled, ...others.map(entry)].slice(0, count) };
}
