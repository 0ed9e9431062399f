import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { BodySource, type ChunkConsumer, type Source } from './body-source.js';

const KIB = 1024;
const options = { signal: new AbortController().signal, maxBytes: 1024 * KIB };
const chunksOf = (...sizes: number[]): Buffer[] => sizes.map((size) => Buffer.alloc(size, 'x'));
const given = (chunks: readonly Buffer[], givesChunksAway: boolean): Source =>
  Object.assign(Readable.from(chunks, { objectMode: false }), { givesChunksAway });
const read = (source: Source, consume: ChunkConsumer): Promise<number> =>
  new BodySource(source, consume, options).read();

describe('the memory of chunks', () => {
  it('is freed when they are consumed, at once or later, if the source gives them away', async () => {
    const chunks = chunksOf(64 * KIB, 64 * KIB, 200 * KIB, 64 * KIB);
    const seen: number[] = [];
    let calls = 0;
    const consume: ChunkConsumer = (chunk) => {
      calls += 1;
      if (calls % 2 === 0) {
        seen.push(chunk.length);
        return undefined;
      }
      return setImmediate().then(() => {
        seen.push(chunk.length);
      });
    };
    expect(await read(given(chunks, true), consume)).toBe(392 * KIB);
    expect(seen).toEqual([64, 64, 64, 64, 64, 8, 64].map((size) => size * KIB));
    expect(chunks.map((chunk) => chunk.length)).toEqual([0, 0, 0, 0]);
  });

  it('stays what it is for any other source', async () => {
    const chunks = chunksOf(64 * KIB, 64 * KIB);
    await read(given(chunks, false), () => undefined);
    expect(chunks.map((chunk) => chunk.length)).toEqual([64 * KIB, 64 * KIB]);
  });
});
