import { createHash } from 'node:crypto';
import { type ImageSize, imageSize } from './image-header.js';
import { VllmError } from './vllm-error.js';

/** What the engine saw of one image. */
export interface SeenImage extends ImageSize {
  /** As the data URL declares it; vLLM does not use it. */
  readonly mediaType: string;
  readonly byteSize: number;
  /** Of the decoded bytes, hex. */
  readonly sha256: string;
}

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Decodes a data URL as strictly as vLLM does: the header is cut at the first `;`, the rest must be exactly
 * `base64`, and neither white space nor the URL-safe alphabet is let through. Throws a `VllmError`.
 */
export function openDataUrl(url: string): SeenImage {
  if (!/^data:/i.test(url)) {
    throw new VllmError(500, 'Internal server error: this engine fetches no images');
  }
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
  const bytes = Buffer.from(encoded, 'base64');
  const size = imageSize(bytes);
  if (size === undefined) {
    throw new VllmError(
      400,
      'Failed to load image: cannot identify image file <_io.BytesIO object at 0x7f3a5c0b1d50>',
    );
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { mediaType: header.slice(0, semicolon), byteSize: bytes.length, sha256, ...size };
}
