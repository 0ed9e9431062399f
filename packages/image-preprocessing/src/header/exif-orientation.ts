import { asciiAt, type ExifOrientation, viewOf } from './image-header.js';

const tiffAt = 6;
const orientationTag = 0x0112;
const shortType = 3;
const longType = 4;
const orientations: readonly ExifOrientation[] = [1, 2, 3, 4, 5, 6, 7, 8];

/**
 * Reads the orientation from the payload of a JPEG APP1 segment. Returns undefined when the segment is not
 * EXIF, has none, or is malformed: decoders ignore broken EXIF, so it does not make an image invalid.
 */
export function readExifOrientation(segment: Uint8Array): ExifOrientation | undefined {
  if (segment.length < tiffAt + 8 || asciiAt(segment, 0, tiffAt) !== 'Exif\0\0') return undefined;
  const view = viewOf(segment.subarray(tiffAt));
  const byteOrder = view.getUint16(0);
  if (byteOrder !== 0x4949 && byteOrder !== 0x4d4d) return undefined;
  const isLittleEndian = byteOrder === 0x4949;
  const directoryAt = view.getUint32(4, isLittleEndian);
  if (view.getUint16(2, isLittleEndian) !== 42 || directoryAt + 2 > view.byteLength) return undefined;
  const entries = view.getUint16(directoryAt, isLittleEndian);
  for (let entry = 0; entry < entries; entry++) {
    const entryAt = directoryAt + 2 + entry * 12;
    if (entryAt + 12 > view.byteLength) return undefined;
    if (view.getUint16(entryAt, isLittleEndian) !== orientationTag) continue;
    const type = view.getUint16(entryAt + 2, isLittleEndian);
    if (type === shortType) return toOrientation(view.getUint16(entryAt + 8, isLittleEndian));
    if (type === longType) return toOrientation(view.getUint32(entryAt + 8, isLittleEndian));
    return undefined;
  }
  return undefined;
}

function toOrientation(value: number): ExifOrientation | undefined {
  return orientations.find((orientation) => orientation === value);
}
