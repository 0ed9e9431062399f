import { describe, expect, it } from '@jest/globals';
import { SeededRandom } from './random.js';
import { Sampler, SamplerScratch, type SamplerSettings } from './sampler.js';

const neutral: SamplerSettings = {
  temperature: 1,
  topP: 1,
  topK: 0,
  minP: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
  repetitionPenalty: 1,
  logitBias: new Map(),
  seed: 1,
  stopTokenIds: [],
  minTokens: 0,
};

function sampler(settings: Partial<SamplerSettings>, size = 4, promptIds: number[] = []): Sampler {
  return new Sampler({ ...neutral, ...settings }, promptIds, new SamplerScratch(size));
}

/** How often each id is drawn from a row, in parts of one. */
function shares(row: Float32Array, settings: Partial<SamplerSettings>, draws = 20_000): number[] {
  const counts = new Array<number>(row.length).fill(0);
  const source = sampler(settings, row.length);
  for (let draw = 0; draw < draws; draw += 1) counts[source.next(row)]! += 1;
  return counts.map((count) => count / draws);
}

const logits = (...probabilities: number[]) => Float32Array.from(probabilities, Math.log);
const row = logits(0.5, 0.25, 0.15, 0.1);
const within = (expected: number[]) => expected.map((share) => expect.closeTo(share, 1));

describe('seeded random numbers', () => {
  it('are the published SplitMix64 sequence', () => {
    const random = new SeededRandom(1234567);
    expect([random.next(), random.next()]).toEqual([
      Number(6457827717110365317n >> 11n) / 2 ** 53,
      Number(3203168211198807973n >> 11n) / 2 ** 53,
    ]);
  });

  it('take negative seeds and seeds beyond 2⁵³', () => {
    expect(new SeededRandom(-1).next()).not.toBe(new SeededRandom(-2).next());
    expect(new SeededRandom(2n ** 63n - 1n).next()).toBeLessThan(1);
  });
});

describe('sampling', () => {
  it('takes the best token at temperature 0, whatever the seed', () => {
    for (const seed of [1, 2, 3]) expect(sampler({ temperature: 0, seed }).next(row)).toBe(0);
  });

  it('follows the probabilities at temperature 1', () => {
    expect(shares(row, {})).toEqual(within([0.5, 0.25, 0.15, 0.1]));
  });

  it('flattens with a high temperature and sharpens with a low one', () => {
    const [hot] = shares(row, { temperature: 50 });
    expect(hot).toBeCloseTo(0.25, 1);
    expect(shares(row, { temperature: 0.01 })).toEqual([1, 0, 0, 0]);
  });

  it('raises a tiny temperature instead of overflowing', () => {
    expect(sampler({ temperature: 0.0001 }).next(Float32Array.from([-60_000, 60_000, 59_000, 0]))).toBe(1);
  });

  it('keeps the k best with top-k and renormalises', () => {
    expect(shares(row, { topK: 2 })).toEqual(within([2 / 3, 1 / 3, 0, 0]));
    expect(shares(row, { topK: 2 }).slice(2)).toEqual([0, 0]);
  });

  it('keeps the smallest set that reaches p with top-p', () => {
    expect(shares(row, { topP: 0.6 }).map((share) => share > 0)).toEqual([true, true, false, false]);
    expect(shares(row, { topP: 0.5 })).toEqual([1, 0, 0, 0]);
    expect(shares(row, { topP: 1e-9 })).toEqual([1, 0, 0, 0]);
  });

  it('applies top-p to what top-k left over', () => {
    // Of the two best, 0.5 / 0.75 is already more than 0.6.
    expect(shares(row, { topK: 2, topP: 0.6 })).toEqual([1, 0, 0, 0]);
  });

  it('drops what is less likely than min-p times the best', () => {
    expect(shares(row, { minP: 0.4 }).map((share) => share > 0)).toEqual([true, true, false, false]);
  });

  it('gives the same tokens for the same seed and others for another', () => {
    const draw = (seed: number) => {
      const source = sampler({ seed });
      return Array.from({ length: 50 }, () => source.next(row));
    };
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
  });

  it('leaves the row of logits as it is', () => {
    const own = Float32Array.from(row);
    sampler({ logitBias: new Map([[3, 50]]), presencePenalty: 2 }).next(own);
    expect(own).toEqual(row);
  });

  it('refuses a row without a finite logit', () => {
    const source = sampler({});
    expect(() => source.next(new Float32Array(4).fill(Number.NaN))).toThrow('no finite logit');
  });
});

describe('what moves logits before sampling', () => {
  it('a bias forbids or forces a token', () => {
    expect(sampler({ temperature: 0, logitBias: new Map([[0, -100]]) }).next(row)).toBe(1);
    expect(sampler({ temperature: 0, logitBias: new Map([[3, 100]]) }).next(row)).toBe(3);
  });

  it('a presence penalty counts once, a frequency penalty each time, and neither the prompt', () => {
    const close = Float32Array.from([1, 0.4, -9, -9]);
    const presence = sampler({ temperature: 0, presencePenalty: 0.5 }, 4, [0, 0]);
    expect([presence.next(close), presence.next(close), presence.next(close)]).toEqual([0, 0, 0]);
    const frequency = sampler({ temperature: 0, frequencyPenalty: 0.5 }, 4, [0, 0]);
    expect([frequency.next(close), frequency.next(close), frequency.next(close)]).toEqual([0, 0, 1]);
  });

  it('a repetition penalty counts prompt and answer, for logits of either sign', () => {
    const positive = Float32Array.from([3, 2, 0.1, 0.1]);
    expect(sampler({ temperature: 0, repetitionPenalty: 2 }, 4, [0]).next(positive)).toBe(1);
    const negative = Float32Array.from([-1, -1.5, -9, -9]);
    expect(sampler({ temperature: 0, repetitionPenalty: 2 }, 4, [0]).next(negative)).toBe(1);
    const answered = sampler({ temperature: 0, repetitionPenalty: 2 });
    expect([answered.next(positive), answered.next(positive)]).toEqual([0, 1]);
  });

  it('stop tokens cannot come before the minimum, and may right after', () => {
    const source = sampler({ temperature: 0, stopTokenIds: [0], minTokens: 2 });
    expect([source.next(row), source.next(row), source.next(row)]).toEqual([1, 1, 0]);
  });
});
