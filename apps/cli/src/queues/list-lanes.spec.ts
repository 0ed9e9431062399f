import { describe, expect, it } from '@jest/globals';
import { ageText } from './list-lanes.js';

describe('ageText', () => {
  it.each([
    [undefined, '-'],
    [0, '0.0 s'],
    [59_400, '59.4 s'],
    [60_000, '1 min'],
    [3_599_000, '59 min'],
    [7_300_000, '2 h'],
    [90_000_000, '1 d'],
  ])('tells %p ms as %s', (ms, text) => {
    expect(ageText(ms)).toBe(text);
  });
});
