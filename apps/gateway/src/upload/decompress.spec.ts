import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { FoveaError } from '@fovea/errors';
import { describe, expect, it } from '@jest/globals';
import type { Coding } from './content-encoding.js';
import { decompress, memoryOf } from './decompress.js';
import { LargeWindows } from './large-windows.js';

const MIB = 1024 * 1024;
const places = { windows: new LargeWindows(), signal: new AbortController().signal };
const pack: Record<Coding, (bytes: Uint8Array) => Buffer> = {
  gzip: (bytes) => zlib.gzipSync(bytes),
  deflate: (bytes) => zlib.deflateSync(bytes),
  br: (bytes) => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }),
};
const all: readonly Coding[] = ['gzip', 'deflate', 'br'];
const text = Buffer.from(
  JSON.stringify({ model: 'm', words: Array.from({ length: 40 }, (_, n) => `grüße ${n}`) }),
);

/** What the wire would have brought when the decoder looks. */
function wire(pieces: Iterable<Uint8Array>): { source: Readable; bytes: () => number } {
  let bytes = 0;
  function* counted(): Generator<Uint8Array> {
    for (const piece of pieces) {
      bytes += piece.length;
      yield piece;
    }
  }
  return { source: Readable.from(counted(), { objectMode: false }), bytes: () => bytes };
}

async function unpack(
  pieces: Iterable<Uint8Array>,
  codings: readonly Coding[],
  { maxBodyBytes = 128 * MIB, onDecoded = (_bytes: number): void => {} } = {},
): Promise<Buffer> {
  const { source, bytes } = wire(pieces);
  const found: Buffer[] = [];
  const watch = { maxBodyBytes, wireBytes: bytes, onDecoded, ...places };
  for await (const piece of decompress(source, codings, watch)) found.push(piece);
  return Buffer.concat(found);
}

const cut = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size));

describe.each(all)('a %s body', (coding) => {
  const packed = pack[coding](text);

  it('is unpacked, cut at every byte', async () => {
    for (let at = 0; at <= packed.length; at += 1) {
      const pieces = [packed.subarray(0, at), packed.subarray(at)].filter((piece) => piece.length > 0);
      expect(await unpack(pieces, [coding])).toEqual(text);
    }
    expect(await unpack(cut(packed, 1), [coding])).toEqual(text);
  });

  it('is refused when it is cut off, at every byte', async () => {
    for (let end = 0; end < packed.length; end += 1) {
      const pieces = end === 0 ? [] : [packed.subarray(0, end)];
      const found = await unpack(pieces, [coding]).catch((error: unknown) => error);
      // Of nothing at all the decoder may as well make nothing: an empty body is refused as such by who reads it.
      if (end === 0 && Buffer.isBuffer(found)) expect(found).toHaveLength(0);
      else expect(found).toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining(coding) });
    }
  });

  it.each([1, 0, 0x1f])('is refused when a byte %i follows it, in the same piece or later', async (byte) => {
    const behind = Buffer.from([byte]);
    for (const pieces of [
      [Buffer.concat([packed, behind])],
      [packed, behind],
      [...cut(packed, 7), behind, Buffer.alloc(200_000)],
    ]) {
      await expect(unpack(pieces, [coding])).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    }
  });

  it('never passes as another text when a bit is turned, and never ends in anything but our own errors', async () => {
    for (let at = 0; at < packed.length; at += 1) {
      const broken = Buffer.from(packed);
      broken[at] = (broken[at] ?? 0) ^ 0x10;
      const found = await unpack([broken], [coding]).catch((error: unknown) => error);
      if (Buffer.isBuffer(found)) {
        // Brotli has no checksum, and gzip's header holds fields that mean nothing to the text.
        if (coding === 'deflate') expect(found).toEqual(text);
      } else expect(found).toMatchObject({ code: 'INVALID_REQUEST' });
    }
  });

  it('comes in pieces of at most 64 KiB, and tells its size as it grows', async () => {
    const large = Buffer.concat([randomBytes(300_000), Buffer.alloc(500_000)]);
    const sizes: number[] = [];
    const { source, bytes } = wire([pack[coding](large)]);
    const body = decompress(source, [coding], {
      maxBodyBytes: MIB,
      wireBytes: bytes,
      onDecoded: (size) => sizes.push(size),
      ...places,
    });
    for await (const piece of body) expect(piece.length).toBeLessThanOrEqual(65_536);
    expect(sizes.at(-1)).toBe(large.length);
  });

  it('that is a bomb ends at the ratio, long before its size', async () => {
    const bomb = pack[coding](Buffer.alloc(100 * MIB));
    let decoded = 0;
    const found = unpack(cut(bomb, 1_000), [coding], {
      onDecoded: (bytes) => {
        decoded = bytes;
      },
    });
    await expect(found).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      limit: { name: 'max_decompression_ratio', value: 100, actual: expect.any(Number) },
    });
    expect(decoded).toBeLessThan(12 * MIB);
  });

  it('may repeat itself up to 1 MiB', async () => {
    expect(await unpack([pack[coding](Buffer.alloc(MIB))], [coding])).toHaveLength(MIB);
    await expect(unpack([pack[coding](Buffer.alloc(MIB + 1))], [coding])).rejects.toMatchObject({
      limit: { name: 'max_decompression_ratio' },
    });
  });

  it('is counted unpacked: the limit passes, one more is refused', async () => {
    const maxBodyBytes = 5_000;
    expect(await unpack([pack[coding](randomBytes(5_000))], [coding], { maxBodyBytes })).toHaveLength(5_000);
    await expect(
      unpack([pack[coding](randomBytes(5_001))], [coding], { maxBodyBytes }),
    ).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      limit: { name: 'max_body_bytes', value: maxBodyBytes },
    });
  });

  it('is read only as fast as its reader, and takes no more of the wire meanwhile', async () => {
    const { source, bytes } = wire(cut(pack[coding](randomBytes(4 * MIB)), 65_536));
    const body = decompress(source, [coding], {
      maxBodyBytes: 8 * MIB,
      wireBytes: bytes,
      onDecoded: () => {},
      ...places,
    });
    const pieces = body[Symbol.asyncIterator]();
    await pieces.next();
    // Everything that could run on its own has run once the loop has turned that often.
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(bytes()).toBeLessThan(MIB);
    body.destroy();
  });

  it('passes on what broke its source, and what its reader is told by the count', async () => {
    const broken = new FoveaError('CLIENT_CLOSED');
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield packed.subarray(0, 10);
      throw broken;
    }
    const watch = { maxBodyBytes: MIB, wireBytes: () => 10, onDecoded: () => {}, ...places };
    const body = decompress(Readable.from(breaking(), { objectMode: false }), [coding], watch);
    await expect(body.toArray()).rejects.toBe(broken);
    expect(body.errored).toBe(broken);

    const full = new FoveaError('QUEUE_FULL');
    const refusing = unpack([packed], [coding], {
      onDecoded: () => {
        throw full;
      },
    });
    await expect(refusing).rejects.toBe(full);
  });

  it('that nobody reads to its end frees its source', async () => {
    const { source, bytes } = wire(cut(pack[coding](randomBytes(MIB)), 1_000));
    const closed = new Promise((resolve) => source.once('close', resolve));
    const body = decompress(source, [coding], {
      maxBodyBytes: MIB,
      wireBytes: bytes,
      onDecoded: () => {},
      ...places,
    });
    for await (const _piece of body) break;
    source.destroy();
    await closed;
    expect(body.destroyed).toBe(true);
  });
});

describe('a body packed twice', () => {
  it.each(all.flatMap((inner) => all.map((outer) => [inner, outer] as const)))(
    '%s, then %s, is unpacked in the other order',
    async (inner, outer) => {
      const packed = pack[outer](pack[inner](text));
      expect(await unpack(cut(packed, 3), [inner, outer])).toEqual(text);
      if (inner !== outer)
        await expect(unpack([packed], [outer, inner])).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    },
  );

  it.each(all)('is no place for a bomb to hide, in the layer of %s', async (outer) => {
    // Twenty bytes each, and not one byte of text in all of them.
    const member = zlib.gzipSync(Buffer.alloc(0));
    const empty = Buffer.alloc(member.length * 4 * 65_536, member);
    const found = unpack(cut(pack[outer](empty), 100), ['gzip', outer]);
    await expect(found).rejects.toMatchObject({ limit: { name: 'max_decompression_ratio' } });
  });
});

describe('a gzip body', () => {
  it('may have several members', async () => {
    const packed = Buffer.concat([zlib.gzipSync('[1,'), zlib.gzipSync('2]')]);
    expect(String(await unpack(cut(packed, 5), ['gzip']))).toBe('[1,2]');
  });
});

describe('the memory of decoders', () => {
  it('is known per coding, and adds up', () => {
    expect(memoryOf([])).toBe(0);
    expect(memoryOf(['gzip', 'br'])).toBe(memoryOf(['gzip']) + memoryOf(['br']));
    expect(memoryOf(['br'])).toBeGreaterThan(16 * MIB);
  });
});
