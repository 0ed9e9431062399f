import { asciiAt, damagedImage, type HeaderReading, viewOf } from './image-header.js';

const payloadAt = 20;

/**
 * Reads the size from the first chunk of a WebP file: `VP8 ` (lossy), `VP8L` (lossless) or `VP8X` (extended:
 * alpha, metadata, animation). Layouts: WebP container specification and RFC 6386 §9.1.
 */
export function readWebpHeader(bytes: Uint8Array): HeaderReading {
  if (bytes.length < payloadAt) return 'need-more-bytes';
  const chunk = asciiAt(bytes, 12, 4);
  if (chunk === 'VP8 ') return readLossy(bytes);
  if (chunk === 'VP8L') return readLossless(bytes);
  if (chunk === 'VP8X') return readExtended(bytes);
  throw damagedImage('a WebP that does not start with a picture chunk');
}

function readLossy(bytes: Uint8Array): HeaderReading {
  if (bytes.length < payloadAt + 10) return 'need-more-bytes';
  const view = viewOf(bytes);
  const isKeyFrame = (view.getUint8(payloadAt) & 1) === 0;
  if (!isKeyFrame || view.getUint16(payloadAt + 3) !== 0x9d01 || view.getUint8(payloadAt + 5) !== 0x2a) {
    throw damagedImage('a WebP whose lossy frame has no start code');
  }
  // 14 bits of size each; the two bits above them are a scaling hint that decoders ignore.
  const width = view.getUint16(payloadAt + 6, true) & 0x3fff;
  const height = view.getUint16(payloadAt + 8, true) & 0x3fff;
  if (width === 0 || height === 0) throw damagedImage('its WebP header holds an impossible size');
  return { mediaType: 'image/webp', width, height };
}

function readLossless(bytes: Uint8Array): HeaderReading {
  if (bytes.length < payloadAt + 5) return 'need-more-bytes';
  const view = viewOf(bytes);
  const bits = view.getUint32(payloadAt + 1, true);
  if (view.getUint8(payloadAt) !== 0x2f || bits >>> 29 !== 0) {
    throw damagedImage('a WebP whose lossless frame has no signature');
  }
  return { mediaType: 'image/webp', width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
}

function readExtended(bytes: Uint8Array): HeaderReading {
  if (bytes.length < payloadAt + 10) return 'need-more-bytes';
  const view = viewOf(bytes);
  if (view.getUint32(16, true) < 10) throw damagedImage('a WebP whose extended header is too short');
  const width = 1 + (view.getUint32(payloadAt + 4, true) & 0xffffff);
  const height = 1 + (view.getUint16(payloadAt + 7, true) | (view.getUint8(payloadAt + 9) << 16));
  return { mediaType: 'image/webp', width, height };
}
