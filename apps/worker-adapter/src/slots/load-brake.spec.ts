import { describe, expect, it } from '@jest/globals';
import { LoadBrake } from './load-brake.js';

const maxAgeMs = 1_000;

describe('LoadBrake', () => {
  it.each([
    ['waiting', [4, 5, 3, 2, 4], [false, true, true, false, false]],
    ['kvCacheUsage', [0.79, 0.8, 0.75, 0.7, 0.79], [false, true, true, false, false]],
  ])('goes on at the upper threshold of %s and off at the lower', (figure, values, states) => {
    const brake = new LoadBrake(maxAgeMs);
    const seen = values.map((value) => {
      brake.read({ [figure]: value }, 0);
      return brake.isOn;
    });
    expect(seen).toEqual(states);
  });

  it('stays off for an engine that reports nothing', () => {
    const brake = new LoadBrake(maxAgeMs);
    brake.read({}, 0);
    expect(brake.isOn).toBe(false);
  });

  it('stays on while either figure is too high', () => {
    const brake = new LoadBrake(maxAgeMs);
    brake.read({ waiting: 9, kvCacheUsage: 0.1 }, 0);
    brake.read({ waiting: 0, kvCacheUsage: 0.71 }, 0);
    expect(brake.isOn).toBe(true);
  });

  it('trusts figures until they are too old, and is off without any', () => {
    const brake = new LoadBrake(maxAgeMs);
    expect(brake.isStale(1e9)).toBe(false);
    brake.read({ waiting: 9 }, 100);
    expect(brake.isStale(1_100)).toBe(false);
    expect(brake.isStale(1_101)).toBe(true);
    brake.forget();
    expect([brake.isOn, brake.load]).toEqual([false, undefined]);
  });
});
