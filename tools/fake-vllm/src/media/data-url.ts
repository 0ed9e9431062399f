import { VllmError } from '../http/vllm-error.js';

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Decodes a data URL as strictly as vLLM does: the header is cut at the first `;`, the rest must be exactly
 * `base64`, and neither white space nor the URL-safe alphabet is let through. Throws a `VllmError`.
 */
export function openDataUrl(url: string): { mediaType: string; bytes: Buffer } {
  const comma = url.indexOf(',');
  const header = url.slice('data:'.length, Math.max(comma, 0));
  const semicolon = header.indexOf(';');
  if (comma === -1 || semicolon === -1) {
    throw new VllmError(400, 'not enough values to unpack (expected 2, got 1)');
  }
  if (header.slice(semicolon + 1) !== 'base64') {
    throw new VllmError(501, 'Only base64 data URLs are supported for now.');
  }
  const encoded = url.slice(comma + 1);
  if (encoded.length % 4 !== 0 || !base64.test(encoded)) {
    throw new VllmError(400, 'Failed to load image: Incorrect padding or non-base64 digit found');
  }
  return { mediaType: header.slice(0, semicolon), bytes: Buffer.from(encoded, 'base64') };
}
