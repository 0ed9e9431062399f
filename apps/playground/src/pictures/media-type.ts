/** One character per byte; `?` stands for any byte. The same signatures as the gateway's. */
const signatures: readonly (readonly [signature: string, mediaType: string])[] = [
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['RIFF????WEBP', 'image/webp'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
];

/** After so many bytes every format is told. */
export const LONGEST_SIGNATURE = 12;

/** The format of a picture by its first bytes, whatever its name says; undefined for one the API does not read. */
export function mediaTypeOf(start: Uint8Array): string | undefined {
  const text = String.fromCharCode(...start.subarray(0, LONGEST_SIGNATURE));
  const isOf = (signature: string): boolean =>
    text.length >= signature.length &&
    [...signature].every((character, at) => character === '?' || character === text[at]);
  return signatures.find(([signature]) => isOf(signature))?.[1];
}
