import { describe, expect, test } from '@jest/globals';
import { median, percentile, spread } from './statistics.js';

describe('statistics', () => {
  test('the median is the middle value, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 4, 1, 6])).toBe(5);
    expect(() => median([])).toThrow(RangeError);
  });

  test('a percentile is one of the values', () => {
    const values = Array.from({ length: 1000 }, (_, index) => index + 1);
    expect(percentile(values, 0.5)).toBe(500);
    expect(percentile(values, 0.999)).toBe(999);
    expect(percentile([7], 0.01)).toBe(7);
  });

  test('the spread is relative to the median', () => {
    expect(spread([100, 100, 100, 100])).toBe(0);
    expect(spread([80, 90, 100, 110])).toBeCloseTo(0.105, 3);
    expect(spread([0, 0, 0])).toBe(0);
  });
});
