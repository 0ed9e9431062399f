import { readExifOrientation } from './exif-orientation.js';
import { damagedImage, type ExifOrientation, type HeaderReading, viewOf } from './image-header.js';

const app1 = 0xe1;
const endOfImage = 0xd9;
const startOfScan = 0xda;

/**
 * Walks the segments of a JPEG up to its frame header (SOF), whatever stands before it: EXIF, ICC profiles
 * and XMP together can be megabytes. Nothing is copied; segments are skipped by their length.
 * Markers and layouts: ITU-T T.81, annex B.
 */
export function readJpegHeader(bytes: Uint8Array): HeaderReading {
  const view = viewOf(bytes);
  let orientation: ExifOrientation | undefined;
  let offset = 2; // behind the start-of-image marker
  while (offset < bytes.length) {
    if (view.getUint8(offset) !== 0xff) throw damagedImage('a JPEG with stray bytes between its segments');
    while (offset < bytes.length && view.getUint8(offset) === 0xff) offset++; // any number of fill bytes
    if (offset + 3 > bytes.length) return 'need-more-bytes';
    const marker = view.getUint8(offset);
    if (isStandalone(marker)) {
      offset += 1;
      continue;
    }
    if (!startsSegment(marker)) throw damagedImage('a JPEG that ends before its size is told');
    const length = view.getUint16(offset + 1);
    if (length < 2) throw damagedImage('a JPEG segment with an impossible length');
    const end = offset + 1 + length;
    if (end > bytes.length) return 'need-more-bytes';
    if (isFrameHeader(marker)) return readFrame(bytes.subarray(offset + 3, end), orientation);
    if (marker === app1) orientation ??= readExifOrientation(bytes.subarray(offset + 3, end));
    offset = end;
  }
  return 'need-more-bytes';
}

/** TEM and the restart markers stand alone, without a length. */
function isStandalone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
}

/** Before the frame header neither a second start, the end, nor picture bytes may come. */
function startsSegment(marker: number): boolean {
  return marker >= 0xc0 && marker !== 0xd8 && marker !== endOfImage && marker !== startOfScan;
}

/** SOF0 to SOF15; in their midst DHT (C4), JPG (C8) and DAC (CC) are something else. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function readFrame(frame: Uint8Array, orientation: ExifOrientation | undefined): HeaderReading {
  const view = viewOf(frame);
  if (frame.length < 9 || frame.length !== 6 + 3 * view.getUint8(5)) {
    throw damagedImage('a JPEG whose frame header has an impossible length');
  }
  const height = view.getUint16(1);
  const width = view.getUint16(3);
  // A height of 0 (told later by DNL) is legal in the standard, but no common decoder reads it.
  if (width === 0 || height === 0) throw damagedImage('its JPEG header holds an impossible size');
  return { mediaType: 'image/jpeg', width, height, ...(orientation === undefined ? {} : { orientation }) };
}
