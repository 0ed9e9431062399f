import { damagedImage, type ExifOrientation, type ImageHeader } from '../header/image-header.js';
import type { ByteCursor } from './byte-cursor.js';
import { readExifOrientation } from './exif-orientation.js';
import type { ImageWalk, WalkPart } from './image-walk.js';

/** Chunk names as they stand in the file, read as one number. */
const chunk = {
  lossy: 0x56503820, // VP8 and a blank
  lossless: 0x5650384c, // VP8L
  extended: 0x56503858, // VP8X
  frame: 0x414e4d46, // ANMF
  exif: 0x45584946, // EXIF
} as const;

const animationFlag = 0x02;
const exifFlag = 0x08;
const alphaFlag = 0x10;

/**
 * Walks a WebP from chunk to chunk to the end that its RIFF header tells (WebP container specification, RFC 9649).
 *
 * A chunk of odd length is followed by one more byte. A still picture must have the size of its canvas, and each
 * frame of an animation must lie inside. EXIF counts if the header announces it. Bytes behind the end belong to
 * nobody.
 */
export function* walkWebp(cursor: ByteCursor): ImageWalk {
  const { view } = cursor;
  while (!cursor.gather(12)) yield;
  const fileEnd = 8 + view.getUint32(4, true);
  let canvas: ImageHeader | undefined;
  let isAnimated = false;
  let hasExif = false;
  let hasAlpha = false;
  let orientation: ExifOrientation | undefined;
  let frames = 0;
  do {
    if (cursor.position + 8 > fileEnd) throw damagedImage('a WebP with bytes that are no chunk');
    while (!cursor.gather(8)) yield;
    const name = view.getUint32(0);
    const length = view.getUint32(4, true);
    const end = cursor.position + length + (length & 1);
    if (end > fileEnd) throw damagedImage('a WebP chunk that is longer than its file');
    if (canvas === undefined) {
      if (name === chunk.extended) {
        canvas = yield* readExtended(cursor, length);
        isAnimated = (view.getUint8(0) & animationFlag) !== 0;
        hasExif = (view.getUint8(0) & exifFlag) !== 0;
        hasAlpha = (view.getUint8(0) & alphaFlag) !== 0;
      } else {
        canvas = yield* readFrame(cursor, name, length);
        hasAlpha = name === chunk.lossless && usesAlpha(view);
        frames = 1;
      }
      yield canvas;
    } else if (name === chunk.frame && isAnimated) {
      yield* assertInside(cursor, canvas, length);
      frames++;
    } else if ((name === chunk.lossy || name === chunk.lossless) && !isAnimated && frames === 0) {
      const picture = yield* readFrame(cursor, name, length);
      if (picture.width !== canvas.width || picture.height !== canvas.height) {
        throw damagedImage('a WebP whose picture does not have the size that its header tells');
      }
      hasAlpha ||= name === chunk.lossless && usesAlpha(view);
      frames = 1;
    } else if (name === chunk.exif && hasExif) {
      hasExif = false; // the first one counts
      orientation = yield* readExifOrientation(cursor, end);
    }
    while (!cursor.skipTo(end)) yield;
  } while (cursor.position < fileEnd);
  if (frames === 0) throw damagedImage('a WebP without a picture');
  return { frames, orientation, traits: hasAlpha ? { hasAlpha } : {} };
}

/** Reads the size that a picture tells itself. */
function* readFrame(cursor: ByteCursor, name: number, length: number): WalkPart<ImageHeader> {
  const { view } = cursor;
  if (name === chunk.lossless) {
    if (length < 5) throw damagedImage('a WebP whose picture is too short');
    while (!cursor.gather(5)) yield;
    const bits = view.getUint32(1, true);
    if (view.getUint8(0) !== 0x2f || bits >>> 29 !== 0) {
      throw damagedImage('a WebP whose lossless frame has no signature');
    }
    return { mediaType: 'image/webp', width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (name !== chunk.lossy) throw damagedImage('a WebP that does not start with a picture chunk');
  if (length < 10) throw damagedImage('a WebP whose picture is too short');
  while (!cursor.gather(10)) yield;
  const isKeyFrame = (view.getUint8(0) & 1) === 0;
  if (!isKeyFrame || view.getUint16(3) !== 0x9d01 || view.getUint8(5) !== 0x2a) {
    throw damagedImage('a WebP whose lossy frame has no start code');
  }
  // 14 bits of size each; the two bits above them are a scaling hint that decoders ignore. RFC 6386 §9.1.
  const width = view.getUint16(6, true) & 0x3fff;
  const height = view.getUint16(8, true) & 0x3fff;
  if (width === 0 || height === 0) throw damagedImage('its WebP header holds an impossible size');
  return { mediaType: 'image/webp', width, height };
}

/** The hint of a lossless frame, just read, that its alpha channel holds something. RFC 9649 §3.4. */
function usesAlpha(frame: DataView): boolean {
  return ((frame.getUint32(1, true) >>> 28) & 1) === 1;
}

/** Reads the canvas of a file with alpha, metadata or animation; its flags stay in the view. */
function* readExtended(cursor: ByteCursor, length: number): WalkPart<ImageHeader> {
  if (length !== 10) throw damagedImage('a WebP whose extended header has an impossible length');
  while (!cursor.gather(10)) yield;
  return {
    mediaType: 'image/webp',
    width: 1 + uint24At(cursor.view, 4),
    height: 1 + uint24At(cursor.view, 7),
  };
}

function* assertInside(cursor: ByteCursor, canvas: ImageHeader, length: number): WalkPart<void> {
  if (length < 16) throw damagedImage('a WebP frame that is too short');
  while (!cursor.gather(12)) yield;
  const right = 2 * uint24At(cursor.view, 0) + 1 + uint24At(cursor.view, 6);
  const bottom = 2 * uint24At(cursor.view, 3) + 1 + uint24At(cursor.view, 9);
  if (right > canvas.width || bottom > canvas.height) {
    throw damagedImage('a WebP frame that leaves its canvas');
  }
}

function uint24At(view: DataView, offset: number): number {
  return view.getUint16(offset, true) | (view.getUint8(offset + 2) << 16);
}
