import { describe, expect, it } from '@jest/globals';
import { Slots } from './slots.js';

const never = new AbortController().signal;

describe('Slots', () => {
  it('grants up to its capacity and the next only after a release', async () => {
    const slots = new Slots(2);
    const first = await slots.acquire(never);
    await slots.acquire(never);
    const order: string[] = [];
    const third = slots.acquire(never).then(() => order.push('third granted'));
    order.push('released');
    first();
    await third;
    expect(order).toEqual(['released', 'third granted']);
    expect(slots.used).toBe(2);
  });

  it('counts a release once however often it is called', async () => {
    const slots = new Slots(2);
    const release = await slots.acquire(never);
    await slots.acquire(never);
    release();
    release();
    expect(slots.used).toBe(1);
  });

  it('serves in order, so a small request does not starve a large one', async () => {
    const slots = new Slots(10);
    const release = await slots.acquire(never, 6);
    const order: string[] = [];
    const large = slots.acquire(never, 8).then((done) => {
      order.push('large');
      done();
    });
    const small = slots.acquire(never, 1).then(() => order.push('small'));
    release();
    await Promise.all([large, small]);
    expect(order).toEqual(['large', 'small']);
  });

  it('runs a request heavier than the capacity alone', async () => {
    const slots = new Slots(10);
    const release = await slots.acquire(never, 1_000);
    expect(slots.used).toBe(10);
    release();
    expect(slots.used).toBe(0);
  });

  it('leaves the line when its signal aborts, and lets those behind it pass', async () => {
    const slots = new Slots(10);
    await slots.acquire(never, 6);
    const leaving = new AbortController();
    const large = slots.acquire(leaving.signal, 8);
    const small = slots.acquire(never, 1);
    leaving.abort(new Error('left'));
    await expect(large).rejects.toThrow('left');
    await small;
    expect(slots.used).toBe(7);
  });

  it('refuses at once when the signal is aborted already', async () => {
    const slots = new Slots(1);
    await expect(slots.acquire(AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
    expect(slots.used).toBe(0);
  });
});
