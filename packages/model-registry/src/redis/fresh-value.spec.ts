import { describe, expect, it } from '@jest/globals';
import { FreshValue } from './fresh-value.js';

/** Fetches that end when the test says so. */
function controlled() {
  const pending: { resolve: (value: number) => void; reject: (error: Error) => void }[] = [];
  const fetch = () =>
    new Promise<number>((resolve, reject) => {
      pending.push({ resolve, reject });
    });
  return { pending, fetch };
}

describe('FreshValue', () => {
  it('shares one fetch among all who wait for it', async () => {
    const { pending, fetch } = controlled();
    const fresh = new FreshValue(fetch, 60_000);
    const asked = [fresh.current(), fresh.current(), fresh.current()];
    pending[0]?.resolve(1);
    expect(await Promise.all(asked)).toEqual([1, 1, 1]);
    expect(await fresh.current()).toBe(1);
    expect(pending).toHaveLength(1);
  });

  it('fetches once more, for all, for those who ask for the latest while a fetch runs', async () => {
    const { pending, fetch } = controlled();
    const fresh = new FreshValue(fetch, 60_000);
    const early = fresh.current();
    const late = [fresh.latest(), fresh.latest()];
    pending[0]?.resolve(1);
    expect(await early).toBe(1);
    await new Promise(setImmediate);
    pending[1]?.resolve(2);
    expect(await Promise.all(late)).toEqual([2, 2]);
    expect(pending).toHaveLength(2);
  });

  it('passes a failure on and tries again for the next', async () => {
    const { pending, fetch } = controlled();
    const fresh = new FreshValue(fetch, 60_000);
    const failing = expect(fresh.current()).rejects.toThrow('away');
    const next = fresh.latest();
    pending[0]?.reject(new Error('away'));
    await failing;
    await new Promise(setImmediate);
    pending[1]?.resolve(2);
    expect(await next).toBe(2);
  });
});
