import { beforeEach, describe, expect, it } from '@jest/globals';
import { RowBatcher } from './row-batcher.js';
import type { EmbeddingRow } from './thread/embedding-protocol.js';

const never = new AbortController().signal;
const row = (tokens: number, first = 0): EmbeddingRow => ({
  ids: Int32Array.from({ length: tokens }, (_, at) => (at === 0 ? first : 0)),
  dimensions: 1,
});
const rows = (count: number, first = 0) => Array.from({ length: count }, (_, at) => row(3, first + at));

describe('RowBatcher', () => {
  let batches: number[][];
  let run: (rows: readonly EmbeddingRow[]) => Promise<Float32Array<ArrayBuffer>[]>;
  let batcher: RowBatcher;
  beforeEach(() => {
    batches = [];
    run = async (batch) => batch.map(({ ids }) => Float32Array.of(ids[0]!));
    const recorded = (batch: readonly EmbeddingRow[]) => {
      batches.push(batch.map(({ ids }) => ids.length));
      return run(batch);
    };
    batcher = new RowBatcher(recorded, { maxRows: 4, maxTokens: 400 });
  });

  const numbers = async (answer: Promise<Float32Array[]>) => (await answer).map(([value]) => value);

  it('computes what comes together at once, and gives each its own vectors in order', async () => {
    const answers = [rows(2), rows(1, 10), rows(1, 20)].map((some) => numbers(batcher.encode(some, never)));
    expect(await Promise.all(answers)).toEqual([[0, 1], [10], [20]]);
    expect(batches).toEqual([[3, 3, 3, 3]]);
  });

  it('lets a small request pass between the batches of a large one', async () => {
    const large = batcher.encode(rows(100), never);
    const small = batcher.encode([row(5)], never);
    await small;
    expect(batches.length).toBeLessThan(5);
    expect(batches[0]).toEqual([3, 5, 3, 3]);
    expect(await large).toHaveLength(100);
  });

  it('keeps the short from the long, and a batch within its tokens', async () => {
    const lengths = [3, 200, 30, 190, 60, 400, 500];
    await batcher.encode(
      lengths.map((tokens) => row(tokens)),
      never,
    );
    expect(batches).toEqual([[3, 30], [60], [190, 200], [400], [500]]);
  });

  it('fails only whose rows fail', async () => {
    run = async (batch) => {
      if (batch.some(({ ids }) => ids[0] === 66)) throw new Error('no such token');
      return batch.map(({ ids }) => Float32Array.of(ids[0]!));
    };
    const [good, bad] = await Promise.allSettled([
      numbers(batcher.encode(rows(2, 1), never)),
      batcher.encode([row(3, 66)], never),
    ]);
    expect(good).toEqual({ status: 'fulfilled', value: [1, 2] });
    expect(bad).toMatchObject({ status: 'rejected', reason: { message: 'no such token' } });
    expect(await numbers(batcher.encode(rows(1, 7), never))).toEqual([7]);
  });

  it('does not compute what nobody waits for any more', async () => {
    const leaving = new AbortController();
    const left = batcher.encode(rows(50), leaving.signal);
    run = async (batch) => {
      leaving.abort(new Error('gone'));
      return batch.map(() => Float32Array.of(0));
    };
    await expect(left).rejects.toThrow('gone');
    await batcher.encode(rows(1), never);
    expect(batches).toHaveLength(2);
    expect([batcher.runningRows, batcher.runningJobs]).toEqual([0, 0]);
    await expect(batcher.encode(rows(1), leaving.signal)).rejects.toThrow('gone');
  });
});
