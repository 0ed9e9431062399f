import { describe, expect, it } from '@jest/globals';
import { givenLogprobs, rowLogprobs } from './logprobs.js';

const row = Float32Array.from([1, 3, 2, 0]);
const total = Math.log([...row].reduce((sum, logit) => sum + Math.exp(logit), 0));

describe('log probabilities of a row', () => {
  it('are those of the softmax, so all of them sum up to one', () => {
    const { top } = rowLogprobs(row, 1, 4);
    expect(top.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 10);
    expect(top.map(({ id }) => id)).toEqual([1, 2, 0, 3]);
    expect(top[0]?.logprob).toBeCloseTo(3 - total, 10);
  });

  it('name the sampled token first and then the best ones, as many as asked for', () => {
    const { sampled, top } = rowLogprobs(row, 3, 2);
    expect(sampled.id).toBe(3);
    expect(top.map(({ id }) => id)).toEqual([3, 1]);
  });

  it('name no alternatives when none are asked for', () => {
    expect(rowLogprobs(row, 0, 0)).toEqual({ sampled: { id: 0, logprob: expect.any(Number) }, top: [] });
  });

  it('never go below -9999 and survive huge logits', () => {
    const { top } = rowLogprobs(Float32Array.from([60_000, -Infinity]), 1, 2);
    expect(top).toEqual([
      { id: 1, logprob: -9999 },
      { id: 0, logprob: 0 },
    ]);
  });
});

describe('log probabilities of a given token', () => {
  it('tell its place and the best ones in order, itself among them', () => {
    expect(givenLogprobs(row, 2, 2)).toEqual({
      id: 2,
      rank: 2,
      logprob: expect.closeTo(2 - total, 10),
      top: [
        { id: 1, rank: 1, logprob: expect.closeTo(3 - total, 10) },
        { id: 2, rank: 2, logprob: expect.closeTo(2 - total, 10) },
      ],
    });
    expect(givenLogprobs(row, 3, 0)).toMatchObject({ id: 3, rank: 4, top: [] });
  });

  it('rank equal ones by their ids, as the greedy choice does', () => {
    const equal = Float32Array.from([1, 1, 1]);
    expect([0, 1, 2].map((id) => givenLogprobs(equal, id, 0).rank)).toEqual([1, 2, 3]);
  });
});
