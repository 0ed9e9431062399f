import { describe, expect, it } from '@jest/globals';
import { TokenBudget, tokenBudgetOf } from './token-budget.js';

const both = (total: number): TokenBudget => {
  const budget = new TokenBudget(['text', 'media']);
  budget.total = total;
  return budget;
};

describe('TokenBudget', () => {
  it('bounds nothing before it is set, and counts all the same', () => {
    const budget = new TokenBudget(['text']);
    expect(budget.fits('text', 1e9, true)).toBe(true);
    budget.take('text', 1e9);
    expect(budget.inUse).toBe(1e9);
    budget.total = 100;
    expect(budget.fits('text', 1, true)).toBe(false);
  });

  it('is all of a single lane’s', () => {
    const budget = new TokenBudget(['text']);
    budget.total = 100;
    const release = budget.take('text', 60);
    expect(budget.fits('text', 40, true)).toBe(true);
    expect(budget.fits('text', 41, true)).toBe(false);
    release();
    release();
    expect(budget.inUse).toBe(0);
  });

  it('keeps a quarter for the other lane, which can always have it', () => {
    const budget = both(100);
    expect(budget.fits('media', 75, true)).toBe(true);
    budget.take('media', 70);
    expect(budget.fits('media', 6, true)).toBe(false);
    expect(budget.fits('text', 25, true)).toBe(true);
    expect(budget.fits('text', 25, false)).toBe(true);
    budget.take('text', 20);
    expect(budget.fits('media', 5, true)).toBe(true);
    expect(budget.fits('text', 10, true)).toBe(true);
  });

  it('lends a lane nothing beyond its part while another one waits', () => {
    const budget = both(100);
    budget.take('text', 20);
    expect(budget.fits('text', 30, true)).toBe(true);
    expect(budget.fits('text', 30, false)).toBe(false);
    expect(budget.fits('text', 5, false)).toBe(true);
  });

  it('lets a job over everything run alone in its lane, beside the part of the other', () => {
    const budget = both(100);
    const small = budget.take('media', 1);
    expect(budget.fits('media', 5_000, true)).toBe(false);
    small();
    budget.take('text', 25);
    expect(budget.fits('media', 5_000, true)).toBe(true);
    const release = budget.take('media', 5_000);
    expect(budget.inUse).toBe(100);
    expect(budget.fits('media', 1, true)).toBe(false);
    release();
    expect(budget.inUse).toBe(25);
  });

  it('refuses a total that nothing fits into', () => {
    expect(() => {
      new TokenBudget(['text']).total = 0;
    }).toThrow(RangeError);
  });
});

describe('tokenBudgetOf', () => {
  const facts = { configured: 7, kvCacheTokens: 8, slots: 3, maxModelLen: 100_000 };

  it.each([
    ['the operator, before all', facts, 7],
    ['the cache of the engine', { ...facts, configured: undefined }, 8],
    ['the slots', { ...facts, configured: undefined, kvCacheTokens: undefined }, 3 * 4_096],
    [
      'the slots and a short context',
      { ...facts, configured: undefined, kvCacheTokens: undefined, maxModelLen: 512 },
      3 * 1_024,
    ],
  ])('comes from %s', (_what, given, budget) => {
    expect(tokenBudgetOf(given)).toBe(budget);
  });
});
