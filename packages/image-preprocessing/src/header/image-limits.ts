import { FoveaError } from '@fovea/errors';
import type { ImageHeader } from './image-header.js';

export interface ImageLimits {
  /** Longest side in pixels that is still accepted. */
  readonly maxSidePx: number;
}

/**
 * Refuses an image with a side over the limit, from its header alone.
 *
 * @param path the field that holds the image, as the client wrote it: `messages[0].content[1].image_url.url`
 * @throws FoveaError `IMAGE_TOO_LARGE` with `param` and the limit `max_image_side_px`.
 */
export function assertImageWithinLimits(header: ImageHeader, limits: ImageLimits, path: string): void {
  const actual = Math.max(header.width, header.height);
  if (actual <= limits.maxSidePx) return;
  throw new FoveaError('IMAGE_TOO_LARGE', {
    message: `The image is ${header.width}×${header.height} pixels; a side may have at most ${limits.maxSidePx}.`,
    param: path,
    limit: { name: 'max_image_side_px', value: limits.maxSidePx, actual },
  });
}
