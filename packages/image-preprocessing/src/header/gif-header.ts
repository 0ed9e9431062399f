import { damagedImage, type HeaderReading, viewOf } from './image-header.js';

const screenDescriptorEnd = 13;
const imageDescriptorLength = 10;
const extensionBlock = 0x21;
const imageBlock = 0x2c;

/**
 * Reads the logical screen and the first image descriptor of a GIF.
 *
 * The screen size alone is not enough: decoders (libnsgif in libvips among them) grow the picture to its
 * first frame, so a file could claim a screen of 1×1 and decode to 60,000×60,000.
 */
export function readGifHeader(bytes: Uint8Array): HeaderReading {
  if (bytes.length < screenDescriptorEnd) return 'need-more-bytes';
  const view = viewOf(bytes);
  const frameAt = findFirstFrame(bytes);
  if (frameAt === 'need-more-bytes' || frameAt + imageDescriptorLength > bytes.length) {
    return 'need-more-bytes';
  }
  const width = Math.max(
    view.getUint16(6, true),
    view.getUint16(frameAt + 1, true) + view.getUint16(frameAt + 5, true),
  );
  const height = Math.max(
    view.getUint16(8, true),
    view.getUint16(frameAt + 3, true) + view.getUint16(frameAt + 7, true),
  );
  if (width === 0 || height === 0) throw damagedImage('a GIF without any pixel');
  return { mediaType: 'image/gif', width, height };
}

/** Skips the global colour table and the extensions; returns where the first image descriptor starts. */
function findFirstFrame(bytes: Uint8Array): number | 'need-more-bytes' {
  const flags = bytes[10]!;
  let offset = screenDescriptorEnd + (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  while (offset < bytes.length) {
    const block = bytes[offset]!;
    if (block === imageBlock) return offset;
    if (block !== extensionBlock) throw damagedImage('a GIF without a frame where one must be');
    offset += 2; // introducer and label, then sub-blocks up to an empty one
    while (offset < bytes.length && bytes[offset] !== 0) offset += 1 + bytes[offset]!;
    offset += 1;
  }
  return 'need-more-bytes';
}
