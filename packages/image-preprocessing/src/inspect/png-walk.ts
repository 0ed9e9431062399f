import { crc32 } from 'node:zlib';
import { damagedImage, type ExifOrientation, type ImageHeader } from '../header/image-header.js';
import type { ByteCursor } from './byte-cursor.js';
import { readExifOrientation } from './exif-orientation.js';
import type { ImageWalk, WalkPart } from './image-walk.js';

/** Chunk names as they stand in the file, read as one number. */
const chunk = {
  header: 0x49484452, // IHDR
  palette: 0x504c5445, // PLTE
  transparency: 0x74524e53, // tRNS
  pixels: 0x49444154, // IDAT
  end: 0x49454e44, // IEND
  animation: 0x6163544c, // acTL
  frame: 0x6663544c, // fcTL
  exif: 0x65584966, // eXIf
} as const;

const paletteColour = 3;
/** Grey with alpha, and RGB with alpha. */
const alphaColours: readonly number[] = [4, 6];

/** Bit depths that each colour type allows. PNG specification, third edition, table 12. */
const bitDepths: ReadonlyMap<number, readonly number[]> = new Map([
  [0, [1, 2, 4, 8, 16]],
  [2, [8, 16]],
  [paletteColour, [1, 2, 4, 8]],
  [4, [8, 16]],
  [6, [8, 16]],
]);

/**
 * Walks a PNG from chunk to chunk to its `IEND` (PNG specification, third edition).
 *
 * The checksum is taken of critical chunks only: decoders drop any other chunk whose checksum is wrong. Not of the
 * pixels: that is a tenth of what the event loop does for an upload, and whoever decodes them finds damage anyway. Frames
 * are those of an animation (`fcTL`) that is announced before the pixels, and EXIF counts only there, too. Bytes
 * behind `IEND` belong to nobody.
 */
export function* walkPng(cursor: ByteCursor): ImageWalk {
  const { view } = cursor;
  const header = yield* readHeaderChunk(cursor);
  const bitDepth = view.getUint8(8);
  const needsPalette = view.getUint8(9) === paletteColour;
  let hasAlpha = alphaColours.includes(view.getUint8(9));
  yield header;
  let orientation: ExifOrientation | undefined;
  let hasExif = false;
  let hasPalette = false;
  let hasPixels = false;
  let isAnimated = false;
  let frames = 0;
  for (;;) {
    while (!cursor.gather(8)) yield;
    const length = view.getUint32(0);
    const name = view.getUint32(4);
    if (length > 0x7fffffff || !isChunkName(name)) throw damagedImage('a PNG with bytes that are no chunk');
    const end = cursor.position + length;
    if (name === chunk.animation) isAnimated ||= !hasPixels;
    else if (name === chunk.frame) frames++;
    else if (name === chunk.palette) hasPalette = true;
    else if (name === chunk.transparency) hasAlpha ||= !hasPixels;
    else if (name === chunk.header) throw damagedImage('a PNG with two headers');
    else if (name === chunk.exif && !hasExif && !hasPixels) {
      hasExif = true;
      orientation = yield* readExifOrientation(cursor, end);
    } else if (name === chunk.pixels) {
      if (needsPalette && !hasPalette) throw damagedImage('a PNG whose palette is missing');
      hasPixels = true;
    }
    if (isCritical(name) && name !== chunk.pixels) {
      let checksum = crc32(cursor.gathered(8).subarray(4));
      while (cursor.position < end) {
        const part = cursor.partUntil(end);
        if (part.length === 0) yield;
        else checksum = crc32(part, checksum);
      }
      while (!cursor.gather(4)) yield;
      if (view.getUint32(0) !== checksum) throw damagedImage('a PNG chunk whose checksum is wrong');
    } else while (!cursor.skipTo(end + 4)) yield;
    if (name !== chunk.end) continue;
    if (!hasPixels) throw damagedImage('a PNG without pixels');
    const traits = { ...(hasAlpha && { hasAlpha }), ...(bitDepth > 8 && { bitDepth }) };
    return { frames: isAnimated && frames > 0 ? frames : 1, orientation, traits };
  }
}

/** Reads `IHDR`, which is always the first chunk; its size counts only with its checksum. */
function* readHeaderChunk(cursor: ByteCursor): WalkPart<ImageHeader> {
  const { view } = cursor;
  while (!cursor.skipTo(8)) yield;
  while (!cursor.gather(8)) yield;
  if (view.getUint32(0) !== 13 || view.getUint32(4) !== chunk.header) {
    throw damagedImage('a PNG that does not start with its IHDR chunk');
  }
  const checksumOfName = crc32(cursor.gathered(8).subarray(4));
  while (!cursor.gather(17)) yield;
  if (crc32(cursor.gathered(13), checksumOfName) !== view.getUint32(13)) {
    throw damagedImage('the checksum of its PNG header is wrong');
  }
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  if (width === 0 || height === 0 || width > 0x7fffffff || height > 0x7fffffff) {
    throw damagedImage('its PNG header holds an impossible size');
  }
  if (!bitDepths.get(view.getUint8(9))?.includes(view.getUint8(8))) {
    throw damagedImage('its PNG header holds an impossible colour type');
  }
  if (view.getUint8(10) !== 0 || view.getUint8(11) !== 0 || view.getUint8(12) > 1) {
    throw damagedImage('its PNG header holds an unknown compression, filter or interlace method');
  }
  return { mediaType: 'image/png', width, height };
}

/** The first letter of a critical chunk's name is a capital: bit 5 is not set. */
function isCritical(name: number): boolean {
  return (name & 0x20000000) === 0;
}

function isChunkName(name: number): boolean {
  for (let shift = 0; shift < 32; shift += 8) {
    const letter = (name >>> shift) & 0xdf; // as a capital
    if (letter < 0x41 || letter > 0x5a) return false;
  }
  return true;
}
