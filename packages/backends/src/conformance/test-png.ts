import { crc32, deflateSync } from 'node:zlib';
import type { EngineImage } from '../index.js';

function pngChunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(content.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** An image whose bytes a test can look at. */
export interface TestImage extends EngineImage {
  readonly bytes: Uint8Array;
}

/** Any bytes as an image, by default in one chunk. */
export function imageOf(
  bytes: Uint8Array,
  { mediaType = 'image/png', path = 'messages[0].content[1].image_url.url', chunkBytes = bytes.length } = {},
): TestImage {
  return {
    mediaType,
    path,
    bytes,
    byteSize: bytes.length,
    async *chunks() {
      for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
    },
  };
}

/** A real grey PNG whose pixels follow from `seed`; incompressible enough to span many pieces. */
export function createTestPng(side: number, seed: number): TestImage {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 8;
  let state = seed + 1;
  const rows = Buffer.from(
    Array.from({ length: side * (side + 1) }, (_, at) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return at % (side + 1) === 0 ? 0 : state >>> 24;
    }),
  );
  const bytes = Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
  return imageOf(bytes, { path: `messages[0].content[${seed}].image_url.url` });
}
