import type { Problem } from '../wire/problem.js';

export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

/** The API's own words for a picture with a side over the limit, found before it is sent. */
export function tooLargeImage({ width, height }: PixelSize, maxSidePx: number): Problem | undefined {
  const actual = Math.max(width, height);
  if (actual <= maxSidePx) return undefined;
  return {
    code: 'IMAGE_TOO_LARGE',
    message: `The image is ${width}×${height} pixels; a side may have at most ${maxSidePx}.`,
    limit: { name: 'max_image_side_px', value: maxSidePx, actual },
  };
}

/** The API's own words for a body over the limit. */
export function tooLargeBody(bodyBytes: number, maxBodyBytes: number): Problem | undefined {
  if (bodyBytes <= maxBodyBytes) return undefined;
  return {
    code: 'PAYLOAD_TOO_LARGE',
    message: `The request body is over the limit of ${maxBodyBytes} bytes.`,
    limit: { name: 'max_body_bytes', value: maxBodyBytes, actual: bodyBytes },
  };
}

/** Size of a file as base64, with its padding. */
export const base64Length = (bytes: number): number => Math.ceil(bytes / 3) * 4;
