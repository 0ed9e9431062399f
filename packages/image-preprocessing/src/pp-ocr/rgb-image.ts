import { FoveaError } from '@fovea/errors';
import sharp from 'sharp';

/** Upright pixels, three bytes each (red, green, blue), row by row, without padding. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

const decodeTimeoutS = 60;

/**
 * Decodes the first frame of an image file to what a viewer would show: EXIF orientation applied, transparency laid
 * on white, any colour space and depth (grey, palette, CMYK, 16 bit) brought to 8-bit sRGB.
 *
 * The work happens on libvips' threads. It takes three bytes per pixel plus what the format's decoder needs.
 *
 * @throws FoveaError `INVALID_IMAGE` with `param` when the file is damaged or has more than `maxPixels`.
 */
export async function decodeRgbImage(
  file: Uint8Array,
  options: { readonly maxPixels: number; readonly path?: string },
): Promise<RgbImage> {
  try {
    const { data: pixels, info: layout } = await sharp(file, {
      failOn: 'error',
      limitInputPixels: options.maxPixels,
    })
      .timeout({ seconds: decodeTimeoutS })
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (layout.channels !== 3) throw new Error(`expected 3 channels, got ${layout.channels}`);
    return { width: layout.width, height: layout.height, pixels };
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new FoveaError('INVALID_IMAGE', { param: options.path, detail, cause });
  }
}

/** Turns a picture clockwise by quarter turns; a negative number turns it back. */
export async function rotateRgbImage(image: RgbImage, quarterTurns: number): Promise<RgbImage> {
  const { data: pixels, info: layout } = await sharp(image.pixels, {
    raw: { width: image.width, height: image.height, channels: 3 },
  })
    .rotate(90 * quarterTurns)
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: layout.width, height: layout.height, pixels };
}
