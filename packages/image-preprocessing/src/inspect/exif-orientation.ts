import type { ExifOrientation } from '../header/image-header.js';
import type { ByteCursor } from './byte-cursor.js';
import type { WalkPart } from './image-walk.js';

const orientationTag = 0x0112;
const shortType = 3;
const longType = 4;
const orientations: readonly ExifOrientation[] = [1, 2, 3, 4, 5, 6, 7, 8];

/**
 * Reads the orientation from EXIF between the cursor and `end`, with or without the name `Exif` in front;
 * the cursor is left somewhere between them. Gives undefined when there is none, when it is malformed (decoders
 * ignore broken EXIF, so it does not make an image invalid), or when the directory stands before its pointer.
 * A thumbnail in the EXIF is skipped like all that is not the first directory.
 */
export function* readExifOrientation(cursor: ByteCursor, end: number): WalkPart<ExifOrientation | undefined> {
  const { view } = cursor;
  let start = cursor.position;
  if (end - start < 14) return undefined;
  while (!cursor.gather(4)) yield;
  if (view.getUint32(0) === 0x45786966 /* Exif */) {
    start += 6;
    while (!cursor.skipTo(start)) yield;
    while (!cursor.gather(4)) yield;
  }
  const byteOrder = view.getUint16(0);
  const isLittleEndian = byteOrder === 0x4949;
  if (!isLittleEndian && byteOrder !== 0x4d4d) return undefined;
  if (view.getUint16(2, isLittleEndian) !== 42) return undefined;
  while (!cursor.gather(4)) yield;
  const directoryAt = start + view.getUint32(0, isLittleEndian);
  if (directoryAt < cursor.position || directoryAt + 2 > end) return undefined;
  while (!cursor.skipTo(directoryAt)) yield;
  while (!cursor.gather(2)) yield;
  for (let left = view.getUint16(0, isLittleEndian); left > 0; left--) {
    if (cursor.position + 12 > end) return undefined;
    while (!cursor.gather(12)) yield;
    if (view.getUint16(0, isLittleEndian) === orientationTag) return orientationOf(view, isLittleEndian);
  }
  return undefined;
}

function orientationOf(entry: DataView, isLittleEndian: boolean): ExifOrientation | undefined {
  const type = entry.getUint16(2, isLittleEndian);
  const isShort = type === shortType;
  if (!isShort && type !== longType) return undefined;
  const value = isShort ? entry.getUint16(8, isLittleEndian) : entry.getUint32(8, isLittleEndian);
  return orientations.find((orientation) => orientation === value);
}
