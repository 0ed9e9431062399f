import { describe, expect, it } from '@jest/globals';
import type { CacheTensor } from './graph-facts.js';
import { type KvArray, KvPool, type PoolRow } from './kv-pool.js';

const tensors: readonly CacheTensor[] = [
  { past: 'k', present: 'pk', type: 'float32', heads: 2, headSize: 3 },
  { past: 'v', present: 'pv', type: 'float16', heads: 1, headSize: 2 },
];

/** Every number tells whose it is: sequence, head, token, place in the head. */
const value = (sequence: number, head: number, token: number, at: number): number =>
  sequence * 1000 + head * 500 + token * 4 + at + 1;

function cacheOf(sequence: number, length: number): KvArray[] {
  return tensors.map(({ type, heads, headSize }) => {
    const array: KvArray =
      type === 'float16'
        ? new Uint16Array(heads * length * headSize)
        : new Float32Array(heads * length * headSize);
    let place = 0;
    for (let head = 0; head < heads; head += 1) {
      for (let token = 0; token < length; token += 1) {
        for (let at = 0; at < headSize; at += 1) array[place++] = value(sequence, head, token, at);
      }
    }
    return array;
  });
}

function append(pool: KvPool, row: PoolRow, sequence: number): void {
  const token = row.length;
  // Second of two tokens.
  const tokens = tensors.map(({ type, heads, headSize }): KvArray => {
    const own = Array.from({ length: heads * headSize }, (_, at) =>
      value(sequence, Math.floor(at / headSize), token, at % headSize),
    );
    const values = [...own.map(() => 0), ...own];
    return type === 'float16' ? Uint16Array.from(values) : Float32Array.from(values);
  });
  pool.append(row, tokens, 1);
}

/** What the graph would read of a slot: the row's tokens, and zeros behind them. */
function expectSlot(pool: KvPool, row: PoolRow, sequence: number): void {
  expect(pool.copy(row)).toEqual(cacheOf(sequence, row.length));
  for (const [at, { heads, headSize }] of tensors.entries()) {
    const slot = pool.slice(at, row.slot, 1);
    expect(slot).toHaveLength(heads * pool.capacity * headSize);
    for (let head = 0; head < heads; head += 1) {
      const start = (head * pool.capacity + row.length) * headSize;
      expect([...slot.subarray(start, (head + 1) * pool.capacity * headSize)].every((one) => one === 0)).toBe(
        true,
      );
    }
  }
}

describe('the slot pool', () => {
  it('holds rows side by side, each with its own length, and zeros behind them', () => {
    const pool = new KvPool(tensors, 10_000);
    const rows = [3, 70, 1].map((length, sequence) => pool.join(cacheOf(sequence, length), length));
    expect(pool.capacity).toBe(128);
    for (const [sequence, row] of rows.entries()) expectSlot(pool, row, sequence);
    append(pool, rows[0]!, 0);
    append(pool, rows[2]!, 2);
    expect(rows.map(({ length }) => length)).toEqual([4, 70, 2]);
    for (const [sequence, row] of rows.entries()) expectSlot(pool, row, sequence);
  });

  it('closes the hole that a row leaves with the last one', () => {
    const pool = new KvPool(tensors, 10_000);
    const rows = [5, 6, 7].map((length, sequence) => pool.join(cacheOf(sequence, length), length));
    pool.leave(rows[0]!);
    expect(rows[2]!.slot).toBe(0);
    expectSlot(pool, rows[2]!, 2);
    expectSlot(pool, rows[1]!, 1);
    pool.leave(rows[1]!);
    const late = pool.join(cacheOf(9, 2), 2);
    expectSlot(pool, late, 9);
    expect(() => pool.leave(rows[0]!)).toThrow('not in the pool');
  });

  it('grows by 64 tokens when a row is full, and moves every row right', () => {
    const pool = new KvPool(tensors, 10_000);
    const rows = [60, 2].map((length, sequence) => pool.join(cacheOf(sequence, length), length));
    for (let token = 60; token < 130; token += 1) {
      pool.makeRoom();
      append(pool, rows[0]!, 0);
    }
    expect(pool.capacity).toBe(192);
    expectSlot(pool, rows[0]!, 0);
    expectSlot(pool, rows[1]!, 1);
  });

  it('gives memory back when long rows leave, and all of it when the last one does', () => {
    const pool = new KvPool(tensors, 10_000);
    const long = pool.join(cacheOf(0, 500), 500);
    const short = pool.join(cacheOf(1, 10), 10);
    const { bytes } = pool;
    pool.leave(long);
    expect(pool.capacity).toBe(64);
    expect(pool.bytes).toBeLessThan(bytes / 4);
    expectSlot(pool, short, 1);
    pool.leave(short);
    expect([pool.bytes, pool.capacity, pool.size]).toEqual([0, 0, 0]);
  });

  it('never holds more tokens than it may: slots times the capacity of one', () => {
    const pool = new KvPool(tensors, 256);
    expect(pool.fits([63, 63, 63, 63])).toBe(true);
    expect(pool.fits([64, 1, 1])).toBe(false);
    expect(pool.fits([255])).toBe(true);
    expect(pool.fits([256])).toBe(false);
    const rows = [10, 10, 10].map((length, sequence) => pool.join(cacheOf(sequence, length), length));
    expect(() => pool.join(cacheOf(4, 100), 100)).toThrow('do not fit');
    for (const [sequence, row] of rows.entries()) expectSlot(pool, row, sequence);
    expect(pool.size).toBe(3);
  });

  it('is as it was when memory runs out while it grows', () => {
    const pool = new KvPool(tensors, Number.MAX_SAFE_INTEGER);
    const row = pool.join(cacheOf(1, 3), 3);
    // More than the 2^32 or so elements that a typed array may have.
    const huge = { length: 2 ** 44 } as KvArray;
    expect(() => pool.join([huge, huge], 2 ** 44)).toThrow(RangeError);
    expect(pool.size).toBe(1);
    expectSlot(pool, row, 1);
  });
});
