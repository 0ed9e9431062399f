import { describe, expect, it } from '@jest/globals';
import { SeededRandom } from './random.js';
import { selectTopCount, selectTopMass } from './top-candidates.js';

const random = new SeededRandom(7);

/** Weights of several shapes: smooth, with many ties, ordered, constant. */
function weightsOf(shape: string, size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, at) => {
    if (shape === 'ties') return Math.floor(random.next() * 4);
    if (shape === 'rising') return at;
    if (shape === 'falling') return size - at;
    return shape === 'equal' ? 1 : random.next() ** 8;
  });
}

const identity = (size: number) => Int32Array.from({ length: size }, (_, at) => at);
const byWeight = (weights: Float64Array) =>
  [...identity(weights.length)].sort((a, b) => weights[b]! - weights[a]! || a - b);
const front = (ids: Int32Array, count: number) => [...ids.subarray(0, count)].sort((a, b) => a - b);
const ordered = (ids: number[]) => [...ids].sort((a, b) => a - b);

const shapes = ['smooth', 'ties', 'rising', 'falling', 'equal'];
const cases = shapes.flatMap((shape) => [1, 2, 3, 17, 500].map((size) => [shape, size] as const));

describe('the best candidates without sorting', () => {
  it.each(cases)('the top k of %s weights (%i) are those a sort would give', (shape, size) => {
    const weights = weightsOf(shape, size);
    for (const count of new Set([1, 2, Math.ceil(size / 2), size - 1, size])) {
      if (count < 1 || count > size) continue;
      const ids = identity(size);
      selectTopCount(ids, weights, size, count);
      expect(front(ids, count)).toEqual(ordered(byWeight(weights).slice(0, count)));
      expect(front(ids, size)).toEqual([...identity(size)]);
    }
  });

  it.each(cases)('the top p of %s weights (%i) is the smallest set with that mass', (shape, size) => {
    const weights = weightsOf(shape, size);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    if (total === 0) return;
    const sorted = byWeight(weights);
    for (const share of [0.001, 0.3, 0.9, 0.999]) {
      const ids = identity(size);
      const count = selectTopMass(ids, weights, size, share * total);
      expect(front(ids, count)).toEqual(ordered(sorted.slice(0, count)));
      const mass = (length: number) => sorted.slice(0, length).reduce((sum, id) => sum + weights[id]!, 0);
      expect(mass(count)).toBeGreaterThanOrEqual(share * total * (1 - 1e-9));
      expect(mass(count - 1)).toBeLessThan(share * total * (1 + 1e-9));
    }
  });

  it('a mass beyond the sum keeps everything, and a mass of nothing keeps one', () => {
    const weights = Float64Array.from([1, 2, 3]);
    expect(selectTopMass(identity(3), weights, 3, 100)).toBe(3);
    expect(selectTopMass(identity(3), weights, 3, 0)).toBe(1);
  });

  it('only looks at the first entries it is told of', () => {
    const ids = Int32Array.from([0, 1, 2, 3]);
    selectTopCount(ids, Float64Array.from([1, 2, 3, 99]), 3, 1);
    expect([...ids]).toEqual([2, expect.any(Number), expect.any(Number), 3]);
  });
});
