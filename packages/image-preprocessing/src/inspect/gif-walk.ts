import { damagedImage } from '../header/image-header.js';
import type { ByteCursor } from './byte-cursor.js';
import type { ImageWalk } from './image-walk.js';

const extensionBlock = 0x21;
const imageBlock = 0x2c;
const trailer = 0x3b;

/**
 * Walks a GIF from block to block to its trailer (GIF89a specification).
 *
 * The screen size alone is not enough: decoders (libnsgif in libvips among them) grow the picture to its first
 * frame, so a file could claim a screen of 1×1 and decode to 60,000×60,000. Later frames are cut to the
 * picture. Between blocks, from the first frame on, bytes that start no block are passed over, as decoders do: some
 * writers end a block twice. Bytes behind the trailer belong to nobody.
 */
export function* walkGif(cursor: ByteCursor): ImageWalk {
  const { view } = cursor;
  while (!cursor.skipTo(6)) yield;
  while (!cursor.gather(4)) yield;
  let width = view.getUint16(0, true);
  let height = view.getUint16(2, true);
  if (width > 0 && height > 0) yield { mediaType: 'image/gif', width, height, mayGrow: true };
  while (!cursor.gather(3)) yield;
  const firstBlockAt = cursor.position + colourTableBytes(view.getUint8(0));
  while (!cursor.skipTo(firstBlockAt)) yield;
  let frames = 0;
  for (;;) {
    while (!cursor.gather(1)) yield;
    const block = view.getUint8(0);
    if (block !== imageBlock && block !== extensionBlock) {
      if (frames === 0) throw damagedImage('a GIF without a frame where one must be');
      if (block === trailer) return { frames, orientation: undefined };
      continue;
    }
    if (block === imageBlock) {
      while (!cursor.gather(9)) yield;
      const end = cursor.position + colourTableBytes(view.getUint8(8)) + 1; // and the code size
      if (frames === 0) {
        width = Math.max(width, view.getUint16(0, true) + view.getUint16(4, true));
        height = Math.max(height, view.getUint16(2, true) + view.getUint16(6, true));
        if (width === 0 || height === 0) throw damagedImage('a GIF without any pixel');
        yield { mediaType: 'image/gif', width, height };
      }
      while (!cursor.skipTo(end)) yield;
      frames++;
    } else while (!cursor.gather(1)) yield; // the label of an extension
    for (;;) {
      while (!cursor.gather(1)) yield;
      const length = view.getUint8(0);
      if (length === 0) break;
      const end = cursor.position + length;
      while (!cursor.skipTo(end)) yield;
    }
  }
}

/** Three bytes for each colour of a table, if the flags say that there is one. */
function colourTableBytes(flags: number): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}
