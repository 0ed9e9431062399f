import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { createFileBlobStore } from '@fovea/blob-store/file';
import type { BlobRef } from '@fovea/schemas/jobs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ImageIntake } from './image-intake.js';

/** The first bytes of a PNG: signature and header chunk, which is all that admission looks at. */
function pngHeader(width: number, height: number): Buffer {
  const header = Buffer.alloc(33);
  Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').copy(header);
  header.writeUInt32BE(width, 16);
  header.writeUInt32BE(height, 20);
  header.set([8, 2, 0, 0, 0], 24);
  header.writeUInt32BE(crc32(header.subarray(12, 29)), 29);
  return header;
}
const path = 'messages[0].content[0].image_url.url';
const owner = { tenant: 't', requestId: 'r', signal: new AbortController().signal };

describe('ImageIntake', () => {
  let root: string;
  let intake: ImageIntake;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'fovea-intake-'));
    const store = createFileBlobStore({ root, lingerS: 0, maxReferenceAgeS: 60 });
    intake = new ImageIntake(store, { maxImageSidePx: 4000, maxHeaderBytes: 1_000 });
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
  const filesLeft = async (): Promise<string[]> => {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && !entry.name.includes('salt'))
      .map((entry) => entry.name);
  };

  it('stores an image with its type and size by content, in whatever pieces it comes', async () => {
    const bytes = Buffer.concat([pngHeader(4000, 4000), Buffer.alloc(100)]);
    const ref = await store([...bytes].map((byte) => Uint8Array.of(byte)));
    expect(ref).toMatchObject({ mediaType: 'image/png', width: 4000, height: 4000, byteSize: bytes.length });
  });

  it('refuses one pixel too many from the header, with path and limit, and leaves nothing', async () => {
    await expect(store([pngHeader(4001, 10), Buffer.alloc(10)])).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      param: path,
      limit: { value: 4000, actual: 4001 },
    });
    expect(await filesLeft()).toEqual([]);
  });

  it.each([
    ['text', Buffer.from('hello, I am not an image at all, not even close to one')],
    ['an SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>')],
    ['a cut header', pngHeader(10, 10).subarray(0, 12)],
    [
      'a JPEG whose size never comes',
      Buffer.concat([Buffer.from('ffd8ffe0ffff', 'hex'), Buffer.alloc(2_000)]),
    ],
  ])('refuses %s as INVALID_IMAGE, and leaves nothing', async (_name, bytes) => {
    await expect(store([bytes])).rejects.toMatchObject({ code: 'INVALID_IMAGE', param: path });
    expect(await filesLeft()).toEqual([]);
  });
});
