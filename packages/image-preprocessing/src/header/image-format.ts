import { asciiAt, type ImageMediaType } from './image-header.js';

/** One character per byte; `?` stands for any byte. */
const signatures: readonly (readonly [signature: string, mediaType: ImageMediaType])[] = [
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['RIFF????WEBP', 'image/webp'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
];

/** After so many bytes every format is told. */
export const LONGEST_SIGNATURE = 12;

/**
 * Tells the format of a file by its first bytes. `need-more-bytes` means that they agree with a signature as
 * far as they go, so an unknown format is told by the first byte that no signature has.
 */
export function recogniseFormat(start: Uint8Array): ImageMediaType | 'need-more-bytes' | 'unknown-format' {
  const candidates = signatures.filter(([signature]) => matches(start, signature));
  const found = candidates.find(([signature]) => start.length >= signature.length);
  if (found !== undefined) return found[1];
  return candidates.length > 0 ? 'need-more-bytes' : 'unknown-format';
}

/** True when the bytes agree with the signature as far as both go. */
function matches(bytes: Uint8Array, signature: string): boolean {
  const start = asciiAt(bytes, 0, signature.length);
  return [...start].every((character, at) => signature[at] === '?' || signature[at] === character);
}
