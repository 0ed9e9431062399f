import { damagedImage, type ExifOrientation, type PixelTraits } from '../header/image-header.js';
import type { ByteCursor } from './byte-cursor.js';
import { readExifOrientation } from './exif-orientation.js';
import type { ImageWalk } from './image-walk.js';

const startOfImage = 0xd8;
const endOfImage = 0xd9;
const startOfScan = 0xda;
const app1 = 0xe1;

/**
 * Walks a JPEG from segment to segment and through its picture bytes to the end marker (ITU-T T.81, annex B).
 *
 * Segments are skipped by their length, so a thumbnail in one is never taken for the picture. Bytes that belong to
 * no segment are passed over like picture bytes, since decoders only warn of them and cameras do write them. Bytes
 * behind the end marker belong to nobody: further pictures and films are appended there.
 */
export function* walkJpeg(cursor: ByteCursor): ImageWalk {
  const { view } = cursor;
  let orientation: ExifOrientation | undefined;
  let hasExif = false;
  let hasFrame = false;
  let hasScan = false;
  let traits: PixelTraits = {};
  while (!cursor.skipTo(2)) yield;
  for (;;) {
    while (!cursor.skipPast(0xff)) yield;
    let marker = 0xff; // any number of fill bytes
    while (marker === 0xff) {
      while (!cursor.gather(1)) yield;
      marker = view.getUint8(0);
    }
    if (marker === 0 || isStandalone(marker)) continue;
    if (marker === endOfImage && hasScan) return { frames: 1, orientation, traits };
    assertStartsSegment(marker, hasFrame);
    while (!cursor.gather(2)) yield;
    const length = view.getUint16(0);
    if (length < 2) throw damagedImage('a JPEG segment with an impossible length');
    const end = cursor.position + length - 2;
    if (isFrameHeader(marker)) {
      if (hasFrame) throw damagedImage('a JPEG with two frame headers');
      if (length < 11) throw damagedImage('a JPEG whose frame header has an impossible length');
      while (!cursor.gather(5)) yield;
      yield { ...sizeOf(view), ...(orientation === undefined ? {} : { orientation }) };
      const bitDepth = view.getUint8(0);
      while (!cursor.gather(1)) yield;
      const components = view.getUint8(0);
      traits = {
        ...(bitDepth > 8 && { bitDepth }),
        ...(components === 4 && { colourModel: 'cmyk' as const }),
      };
      if (length !== 8 + 3 * components) {
        throw damagedImage('a JPEG whose frame header has an impossible length');
      }
      hasFrame = true;
    } else if (marker === app1 && !hasScan && !hasExif && length >= 8) {
      while (!cursor.gather(6)) yield;
      hasExif = view.getUint32(0) === 0x45786966 && view.getUint16(4) === 0; // Exif, and two zeros
      if (hasExif) orientation = yield* readExifOrientation(cursor, end);
    } else if (marker === startOfScan) hasScan = true;
    while (!cursor.skipTo(end)) yield;
  }
}

/** TEM and the restart markers stand alone, without a length. */
function isStandalone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
}

/** Lets pass the markers that libjpeg knows; it stops at any other. */
function assertStartsSegment(marker: number, hasFrame: boolean): void {
  if (marker === startOfImage) throw damagedImage('a JPEG that starts a second time');
  const isReserved = marker < 0xc0 || marker === 0xc8 || marker === 0xde || marker === 0xdf;
  if (isReserved || (marker >= 0xf0 && marker <= 0xfd)) throw damagedImage('a JPEG with an unknown marker');
  if (marker === endOfImage) throw damagedImage('a JPEG without a picture');
  if (marker === startOfScan && !hasFrame)
    throw damagedImage('a JPEG whose picture starts before its size is told');
}

/** SOF0 to SOF15; in their midst DHT (C4), JPG (C8) and DAC (CC) are something else. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Reads precision (8 bits), height and width. */
function sizeOf(frame: DataView) {
  const height = frame.getUint16(1);
  const width = frame.getUint16(3);
  // A height of 0 (told later by DNL) is legal in the standard, but no common decoder reads it.
  if (width === 0 || height === 0) throw damagedImage('its JPEG header holds an impossible size');
  return { mediaType: 'image/jpeg', width, height } as const;
}
