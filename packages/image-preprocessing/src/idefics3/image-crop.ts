import { FoveaError } from '@fovea/errors';

/** A square in pixels of the upright image; or the largest one in its middle. */
export type ImageCrop = { readonly x: number; readonly y: number; readonly size: number } | 'center';

/**
 * The part of an upright image that a crop leaves.
 *
 * @param path the field that holds the crop, for the error.
 * @throws FoveaError `INVALID_REQUEST` when some of it is outside the image.
 */
export function cropRegion(
  { width, height }: { readonly width: number; readonly height: number },
  crop: ImageCrop,
  path: string | undefined,
): { left: number; top: number; width: number; height: number } {
  if (crop === 'center') {
    const size = Math.min(width, height);
    const [left, top] = [Math.floor((width - size) / 2), Math.floor((height - size) / 2)];
    return { left, top, width: size, height: size };
  }
  const { x, y, size } = crop;
  if (x + size <= width && y + size <= height) return { left: x, top: y, width: size, height: size };
  throw new FoveaError('INVALID_REQUEST', {
    message: `The crop of ${size} × ${size} pixels at (${x}, ${y}) is not inside the image of ${width} × ${height}.`,
    param: path,
  });
}
