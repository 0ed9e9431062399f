import { describe, expect, it } from '@jest/globals';
import type { CacheTensor } from './graph-facts.js';
import { extendCache, truncateCache } from './sequence-cache.js';

const facts: readonly CacheTensor[] = ['key', 'value'].map((kind) => ({
  past: `past_key_values.0.${kind}`,
  present: `present.0.${kind}`,
  type: 'float32',
  heads: 2,
  headSize: 3,
}));
/** Tells tensor, head, token and place. */
const tokens = (from: number, to: number) =>
  facts.map((_, tensor) =>
    Float32Array.from(
      [0, 1].flatMap((head) =>
        Array.from({ length: to - from }, (_token, at) =>
          [0, 1, 2].map((place) => 1000 * tensor + 100 * head + 10 * (from + at) + place),
        ).flat(),
      ),
    ),
  );

describe('the cache of a sequence', () => {
  it('grows by the tokens of a run, head by head', () => {
    const first = extendCache(facts, undefined, tokens(0, 4), 4);
    expect(first).toEqual({ length: 4, tensors: tokens(0, 4) });
    expect(extendCache(facts, first, tokens(4, 9), 5)).toEqual({ length: 9, tensors: tokens(0, 9) });
    expect(first).toEqual({ length: 4, tensors: tokens(0, 4) });
  });

  it('is cut to its first tokens', () => {
    const whole = { length: 9, tensors: tokens(0, 9) };
    expect(truncateCache(facts, whole, 4)).toEqual({ length: 4, tensors: tokens(0, 4) });
    expect(truncateCache(facts, whole, 9).tensors[0]).not.toBe(whole.tensors[0]);
  });
});
