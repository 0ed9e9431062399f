import type { CacheTensor } from './graph-facts.js';
import { type KvArray, newArray } from './kv-pool.js';

/** Keys and values of one sequence: per tensor of the cache `[head][length][headSize]`. */
export interface SequenceCache {
  readonly length: number;
  readonly tensors: readonly KvArray[];
}

/** The first `length` tokens, in memory of their own. */
export function truncateCache(
  facts: readonly CacheTensor[],
  cache: SequenceCache,
  length: number,
): SequenceCache {
  const tensors = facts.map(({ type, heads, headSize }, at) => {
    const to = newArray(type, heads * length * headSize);
    copyTokens({ heads, headSize, tokens: length }, cache.tensors[at]!, to, 0);
    return to;
  });
  return { length, tensors };
}

/** A cache and `count` tokens behind it, per tensor `[head][count][headSize]`, in memory of their own. */
export function extendCache(
  facts: readonly CacheTensor[],
  cache: SequenceCache | undefined,
  tokens: readonly KvArray[],
  count: number,
): SequenceCache {
  if (cache === undefined || cache.length === 0) return { length: count, tensors: tokens };
  const length = cache.length + count;
  const tensors = facts.map(({ type, heads, headSize }, at) => {
    const to = newArray(type, heads * length * headSize);
    copyTokens({ heads, headSize, tokens: cache.length }, cache.tensors[at]!, to, 0);
    copyTokens({ heads, headSize, tokens: count }, tokens[at]!, to, cache.length);
    return to;
  });
  return { length, tensors };
}

/** Copies the first `tokens` of every head to where `place` tokens stand before them. */
function copyTokens(
  { heads, headSize, tokens }: { heads: number; headSize: number; tokens: number },
  from: KvArray,
  to: KvArray,
  place: number,
): void {
  const [fromSize, toSize] = [from.length / heads, to.length / heads];
  for (let head = 0; head < heads; head += 1) {
    const start = head * fromSize;
    to.set(from.subarray(start, start + tokens * headSize), head * toSize + place * headSize);
  }
}
