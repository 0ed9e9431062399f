import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { BodyTooLarge, collectBody, LARGE_BODY_BYTES } from './collect-body.js';
import { BodyMemory, LargeBody } from './large-body.js';

const MIB = 2 ** 20;
const MAX_BYTES = 5 * MIB;

const chunksOf = (bytes: Buffer, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    bytes.subarray(at * size, (at + 1) * size),
  );

function collect(declaredBytes = Number.NaN, memory = new BodyMemory()) {
  const stream = new PassThrough();
  return { stream, memory, body: collectBody(stream, declaredBytes, MAX_BYTES, memory) };
}

/** No two of its kilobytes are equal. */
const bytesOf = (length: number) =>
  Buffer.alloc(length, Buffer.from(Uint32Array.from({ length: 65537 }, (_, at) => at).buffer));

describe('a body that is read', () => {
  it.each([0, 1, LARGE_BODY_BYTES])('is one buffer as long as it is small: %i bytes', async (length) => {
    const { stream, memory, body } = collect(length);
    const bytes = bytesOf(length);
    for (const chunk of chunksOf(bytes, 65_000)) stream.write(chunk);
    stream.end();
    expect(await body).toEqual(bytes);
    expect(memory.bytes).toBe(0);
  });

  it.each([LARGE_BODY_BYTES + 1, MIB, MIB + 1, 3 * MIB, MAX_BYTES])(
    'is in segments when it is large, which count until it is released: %i bytes',
    async (length) => {
      const { stream, memory, body } = collect(length);
      const bytes = bytesOf(length);
      for (const chunk of chunksOf(bytes, 99_999)) stream.write(chunk);
      stream.end();
      const large = await body;
      if (!(large instanceof LargeBody)) throw new Error('a large body is expected');
      const { segments, byteLength } = large.take();
      expect(byteLength).toBe(length);
      const whole = Buffer.concat(segments.map((segment) => new Uint8Array(segment)));
      expect(whole.subarray(0, length).equals(bytes)).toBe(true);
      expect(memory.bytes).toBe(whole.length);
      stream.emit('error', new Error('aborted'));
      expect(memory.bytes).toBe(whole.length);
      large.release();
      large.release();
      expect(memory.bytes).toBe(0);
    },
  );

  it('is refused by its declared length before a byte is read', async () => {
    const { stream, body } = collect(MAX_BYTES + 1);
    await expect(body).rejects.toThrow(BodyTooLarge);
    expect(stream.listenerCount('data')).toBe(0);
  });

  it('is refused when more comes than was allowed, and dropped; the rest flows into nothing', async () => {
    const { stream, memory, body } = collect();
    for (const chunk of chunksOf(Buffer.alloc(MAX_BYTES + 1), MIB)) stream.write(chunk);
    await expect(body).rejects.toThrow(BodyTooLarge);
    expect(memory.bytes).toBe(0);
    stream.end(Buffer.alloc(MIB));
    await once(stream, 'end');
  });

  it('is refused when others take all memory', async () => {
    const memory = new BodyMemory(2 * MIB);
    const first = collect(Number.NaN, memory);
    first.stream.end(Buffer.alloc(MIB));
    const held = await first.body;
    const second = collect(Number.NaN, memory);
    second.stream.write(Buffer.alloc(MIB + 1));
    await expect(second.body).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      limit: { name: 'max_held_body_bytes', value: 2 * MIB, actual: 3 * MIB },
    });
    expect(memory.bytes).toBe(MIB);
    const small = collect(Number.NaN, memory);
    small.stream.end('{}');
    expect(await small.body).toEqual(Buffer.from('{}'));
    if (held instanceof LargeBody) held.release();
    expect(memory.bytes).toBe(0);
  });

  it.each([undefined, new Error('aborted')])('is dropped when its stream breaks off (%s)', async (error) => {
    const { stream, memory, body } = collect();
    stream.write(Buffer.alloc(2 * MIB));
    while (memory.bytes === 0) await new Promise(setImmediate);
    stream.destroy(error);
    await expect(body).rejects.toThrow();
    expect(memory.bytes).toBe(0);
  });
});
