import { crc32 } from 'node:zlib';
import { asciiAt, damagedImage, type HeaderReading, viewOf } from './image-header.js';

/** Signature (8), chunk length (4), chunk name (4), IHDR (13), CRC (4). */
const ihdrEnd = 33;

/** Bit depths that each colour type allows. PNG specification, third edition, table 12. */
const bitDepths: ReadonlyMap<number, readonly number[]> = new Map([
  [0, [1, 2, 4, 8, 16]],
  [2, [8, 16]],
  [3, [1, 2, 4, 8]],
  [4, [8, 16]],
  [6, [8, 16]],
]);

/** Reads the size from IHDR, which is always the first chunk of a PNG. */
export function readPngHeader(bytes: Uint8Array): HeaderReading {
  const view = viewOf(bytes);
  if (bytes.length >= 16 && (view.getUint32(8) !== 13 || asciiAt(bytes, 12, 4) !== 'IHDR')) {
    throw damagedImage('a PNG that does not start with its IHDR chunk');
  }
  if (bytes.length < ihdrEnd) return 'need-more-bytes';
  if (crc32(bytes.subarray(12, 29)) !== view.getUint32(29)) {
    throw damagedImage('the checksum of its PNG header is wrong');
  }
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  if (width === 0 || height === 0 || width > 0x7fffffff || height > 0x7fffffff) {
    throw damagedImage('its PNG header holds an impossible size');
  }
  if (!bitDepths.get(view.getUint8(25))?.includes(view.getUint8(24))) {
    throw damagedImage('its PNG header holds an impossible colour type');
  }
  return { mediaType: 'image/png', width, height };
}
