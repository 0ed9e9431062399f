import { crc32 } from 'node:zlib';

/** Puts bytes into a file, in front of what stands at `offset`. */
export function insertAt(file: Buffer, offset: number, ...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([file.subarray(0, offset), ...parts, file.subarray(offset)]);
}

/** A JPEG segment with its marker and length. */
export function jpegSegment(marker: number, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

/** A PNG chunk with its length and checksum. */
export function pngChunk(name: string, content: Buffer): Buffer {
  const bytes = Buffer.alloc(content.length + 12);
  bytes.writeUInt32BE(content.length);
  bytes.write(name, 4, 'latin1');
  content.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4);
  return bytes;
}

/** A GIF extension, its content cut into blocks. */
export function gifExtension(label: number, content: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from([0x21, label])];
  for (let at = 0; at < content.length; at += 255) {
    const block = content.subarray(at, at + 255);
    parts.push(Buffer.from([block.length]), block);
  }
  return Buffer.concat([...parts, Buffer.alloc(1)]);
}

/** Where the first block of a GIF stands. */
export function gifBlocksAt(file: Buffer): number {
  const flags = file.readUInt8(10);
  return 13 + (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
}

/** Appends a chunk to a WebP and corrects the length in its header. */
export function appendWebpChunk(file: Buffer, name: string, content: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(name, 'latin1');
  head.writeUInt32LE(content.length, 4);
  const longer = Buffer.concat([file, head, content, Buffer.alloc(content.length & 1)]);
  longer.writeUInt32LE(longer.length - 8, 4);
  return longer;
}

/** An EXIF structure (TIFF) whose only entry is the orientation, as a short (3) or a long (4) number. */
export function tiffOrientation(byteOrder: 'II' | 'MM', type: number, value: number): Buffer {
  const bytes = Buffer.alloc(26);
  const isLittleEndian = byteOrder === 'II';
  const put16 = (number: number, at: number) =>
    isLittleEndian ? bytes.writeUInt16LE(number, at) : bytes.writeUInt16BE(number, at);
  const put32 = (number: number, at: number) =>
    isLittleEndian ? bytes.writeUInt32LE(number, at) : bytes.writeUInt32BE(number, at);
  bytes.write(byteOrder, 'latin1');
  put16(42, 2);
  put32(8, 4);
  put16(1, 8);
  put16(0x0112, 10);
  put16(type, 12);
  put32(1, 14);
  if (type === 3) put16(value, 18);
  else put32(value, 18);
  return bytes;
}

/** The content of a JPEG's EXIF segment: name and structure. */
export function exifContent(byteOrder: 'II' | 'MM', type: number, value: number): Buffer {
  return Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiffOrientation(byteOrder, type, value)]);
}

/** Bytes that look like anything but depend on the seed alone (xorshift). */
export function seededBytes(length: number, seed: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.from(Uint8Array.from({ length }, () => random(256)));
}

/** A source of whole numbers below the given one; the same seed gives the same numbers. */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
