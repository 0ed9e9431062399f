import { ByteCursor } from '../inspect/byte-cursor.js';
import { walkImage } from '../inspect/walk-image.js';
import { recogniseFormat } from './image-format.js';
import type { ImageHeader } from './image-header.js';

/**
 * Tells format and size of an image from the beginning of its file, without decoding a pixel. For a file at
 * hand; one that is still coming is the business of `createImageInspector`.
 *
 * Works on any prefix and only ever refines its answer as more bytes come: `need-more-bytes` until the size
 * is told, then always the same header. How many bytes that takes is up to the file (33 for a PNG, megabytes
 * for a JPEG behind large metadata): bound it on the caller's side. A pass costs a few microseconds, since
 * segments are skipped, not read; bytes are neither copied nor kept.
 *
 * Own code, because the libraries at hand answer a short, an unknown and a broken file with the same null.
 *
 * @throws FoveaError `INVALID_IMAGE` when the format is known but its structure is broken before the size.
 */
export function probeImageHeader(bytes: Uint8Array): ImageHeader | 'need-more-bytes' | 'unknown-format' {
  const format = recogniseFormat(bytes);
  if (format === 'need-more-bytes' || format === 'unknown-format') return format;
  const cursor = new ByteCursor();
  cursor.feed(bytes);
  const walk = walkImage(format, cursor);
  for (;;) {
    const step = walk.next();
    if (step.done || step.value === undefined) return 'need-more-bytes';
    if (!step.value.mayGrow) return step.value;
  }
}
