import { readGifHeader } from './gif-header.js';
import { asciiAt, type HeaderReading, type ImageHeader } from './image-header.js';
import { readJpegHeader } from './jpeg-header.js';
import { readPngHeader } from './png-header.js';
import { readWebpHeader } from './webp-header.js';

interface Format {
  /** One character per byte; `?` stands for any byte. */
  readonly signature: string;
  readonly read: (bytes: Uint8Array) => HeaderReading;
}

const formats: readonly Format[] = [
  { signature: '\x89PNG\r\n\x1a\n', read: readPngHeader },
  { signature: '\xff\xd8\xff', read: readJpegHeader },
  { signature: 'RIFF????WEBP', read: readWebpHeader },
  { signature: 'GIF87a', read: readGifHeader },
  { signature: 'GIF89a', read: readGifHeader },
];

/**
 * Tells format and size of an image from the beginning of its file, without decoding a pixel.
 *
 * Works on any prefix and only ever refines its answer as more bytes come: `need-more-bytes` until the size
 * is told, then always the same header. How many bytes that takes is up to the file (33 for a PNG, megabytes
 * for a JPEG behind large metadata): bound it on the caller's side. A pass costs a few microseconds, since
 * segments are skipped, not read; bytes are neither copied nor kept.
 *
 * Own code, because the libraries at hand answer a short, an unknown and a broken file with the same null.
 *
 * @throws FoveaError `INVALID_IMAGE` when the format is known but its structure is broken.
 */
export function probeImageHeader(bytes: Uint8Array): ImageHeader | 'need-more-bytes' | 'unknown-format' {
  const candidates = formats.filter(({ signature }) => matches(bytes, signature));
  const format = candidates.find(({ signature }) => bytes.length >= signature.length);
  if (format !== undefined) return format.read(bytes);
  return candidates.length > 0 ? 'need-more-bytes' : 'unknown-format';
}

/** True when the bytes agree with the signature as far as both go. */
function matches(bytes: Uint8Array, signature: string): boolean {
  const start = asciiAt(bytes, 0, signature.length);
  return [...start].every((character, at) => signature[at] === '?' || signature[at] === character);
}
