import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { createFileBlobStore } from '@fovea/blob-store/file';
import { type BlobRef, blobRefSchema } from '@fovea/schemas/jobs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ImageIntake } from './image-intake.js';

function chunk(name: string, content: Buffer): Buffer {
  const bytes = Buffer.alloc(content.length + 12);
  bytes.writeUInt32BE(content.length);
  bytes.write(name, 4, 'latin1');
  content.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4);
  return bytes;
}

/** A PNG whose structure is sound; its pixels are nonsense, which only decoding would show. */
function png(width: number, height: number, bitDepth = 8, colourType = 2): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, bitDepth, colourType, 0, 0, 0]);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', Buffer.alloc(100, 7)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
const HEADER_END = 33;
const path = 'messages[0].content[0].image_url.url';
const owner = { tenant: 't', requestId: 'r', signal: new AbortController().signal };

describe('ImageIntake', () => {
  let root: string;
  let intake: ImageIntake;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'fovea-intake-'));
    const store = createFileBlobStore({ root, lingerS: 0, maxReferenceAgeS: 60 });
    intake = new ImageIntake(store, { maxImageSidePx: 4000 });
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const store = (pieces: readonly Uint8Array[]): Promise<BlobRef> =>
    intake.store(
      (async function* () {
        yield* pieces;
      })(),
      path,
      owner,
    );
  /** After these bytes more and more follow; only a refusal ends it. */
  async function* endlessly(start: Buffer): AsyncGenerator<Uint8Array> {
    yield start;
    for (;;) yield Buffer.alloc(1_000);
  }
  const filesLeft = async (): Promise<string[]> => {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && !entry.name.includes('salt'))
      .map((entry) => entry.name);
  };

  it('stores an image with its type and size by content, in whatever pieces it comes', async () => {
    const bytes = png(4000, 4000);
    const ref = await store([...bytes].map((byte) => Uint8Array.of(byte)));
    const facts = { mediaType: 'image/png', width: 4000, height: 4000, frames: 1, byteSize: bytes.length };
    expect(ref).toEqual({ name: expect.stringMatching(/^[0-9a-f]{64}$/), ...facts });
  });

  it('tells the worker what is not plain about its pixels', async () => {
    const ref = blobRefSchema.parse(await store([png(5, 4, 16, 6)]));
    expect(ref).toMatchObject({ width: 5, height: 4, hasAlpha: true, bitDepth: 16 });
  });

  it('refuses one pixel too many from the header, with path and limit, and leaves nothing', async () => {
    const source = endlessly(png(4001, 10).subarray(0, HEADER_END));
    await expect(intake.store(source, path, owner)).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      param: path,
      limit: { value: 4000, actual: 4001 },
    });
    expect(await filesLeft()).toEqual([]);
  });

  it.each([
    ['text', Buffer.from('hello, I am not an image at all, not even close to one')],
    ['an SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>')],
    ['nothing at all', Buffer.alloc(0)],
    ['a cut header', png(10, 10).subarray(0, 12)],
    ['a file that lacks its last byte', png(10, 10).subarray(0, -1)],
    ['a JPEG whose size never comes', Buffer.from('ffd8ffe0000400000000', 'hex')],
  ])('refuses %s as INVALID_IMAGE, and leaves nothing', async (_name, bytes) => {
    await expect(store([bytes])).rejects.toMatchObject({ code: 'INVALID_IMAGE', param: path });
    expect(await filesLeft()).toEqual([]);
  });
});
