import { describe, expect, it } from '@jest/globals';
import { normalise, poolFirst, poolMean } from './pool-tokens.js';

describe('pooling', () => {
  const hidden = Float32Array.of(1, 2, 3, 4, 50, 60);

  it('takes the mean over the tokens of the text, not over the padding', () => {
    expect([...poolMean(hidden, 2, 2)]).toEqual([2, 3]);
    expect([...poolMean(hidden, 3, 2)]).toEqual([18, 22]);
  });

  it('takes the first token as it is, in memory of its own', () => {
    const vector = poolFirst(hidden, 2);
    expect([...vector]).toEqual([1, 2]);
    expect(vector.buffer.byteLength).toBe(8);
  });

  it('scales to length 1, and leaves zeros alone', () => {
    const vector = Float32Array.of(3, 4);
    normalise(vector);
    expect([...vector]).toEqual([Math.fround(0.6), Math.fround(0.8)]);
    const zeros = new Float32Array(2);
    normalise(zeros);
    expect([...zeros]).toEqual([0, 0]);
  });
});
