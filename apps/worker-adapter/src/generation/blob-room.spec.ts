import { describe, expect, it } from '@jest/globals';
import { BlobRoom } from './blob-room.js';

const never = new AbortController().signal;

describe('BlobRoom', () => {
  it('grants up to its capacity and the next only after a release', async () => {
    const room = new BlobRoom(2);
    const first = await room.acquire(never, 1);
    await room.acquire(never, 1);
    const order: string[] = [];
    const third = room.acquire(never, 1).then(() => order.push('third granted'));
    order.push('released');
    first();
    await third;
    expect(order).toEqual(['released', 'third granted']);
    expect(room.used).toBe(2);
  });

  it('counts a release once however often it is called', async () => {
    const room = new BlobRoom(2);
    const release = await room.acquire(never, 1);
    await room.acquire(never, 1);
    release();
    release();
    expect(room.used).toBe(1);
  });

  it('serves in order, so a small request does not starve a large one', async () => {
    const room = new BlobRoom(10);
    const release = await room.acquire(never, 6);
    const order: string[] = [];
    const large = room.acquire(never, 8).then((done) => {
      order.push('large');
      done();
    });
    const small = room.acquire(never, 1).then(() => order.push('small'));
    release();
    await Promise.all([large, small]);
    expect(order).toEqual(['large', 'small']);
  });

  it('runs a request heavier than the capacity alone', async () => {
    const room = new BlobRoom(10);
    const release = await room.acquire(never, 1_000);
    expect(room.used).toBe(10);
    release();
    expect(room.used).toBe(0);
  });

  it('leaves the line when its signal aborts, and lets those behind it pass', async () => {
    const room = new BlobRoom(10);
    await room.acquire(never, 6);
    const leaving = new AbortController();
    const large = room.acquire(leaving.signal, 8);
    const small = room.acquire(never, 1);
    leaving.abort(new Error('left'));
    await expect(large).rejects.toThrow('left');
    await small;
    expect(room.used).toBe(7);
  });

  it('refuses at once when the signal is aborted already', async () => {
    const room = new BlobRoom(1);
    await expect(room.acquire(AbortSignal.abort(new Error('late')), 1)).rejects.toThrow('late');
    expect(room.used).toBe(0);
  });
});
