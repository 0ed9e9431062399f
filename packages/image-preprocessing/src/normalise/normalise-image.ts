import { open } from 'node:fs/promises';
import { FoveaError } from '@fovea/errors';
import sharp, { type Sharp } from 'sharp';
import { LONGEST_SIGNATURE, recogniseFormat } from '../header/image-format.js';
import type { PixelSize } from '../header/image-header.js';
import type { Recipe } from './recipe.js';

/** Far longer than the largest picture takes on a busy machine. */
const TIMEOUT_S = 60;

/**
 * Quick to write, without a second pass for the tables, and the colours not thinned out: what is lost is below what
 * one sees, and it is encoded once only.
 */
const JPEG = { quality: 95, chromaSubsampling: '4:4:4', optimiseCoding: false } as const;
/** On photographs, level 3 with filters is the quickest to write and the smallest of levels 1 to 3. */
const PNG = { compressionLevel: 3, adaptiveFiltering: true } as const;

/**
 * Makes of a picture what its recipe says, and gives back the new file: PNG or JPEG, 8-bit RGB, upright, opaque, one
 * frame, without metadata. Equal bytes and an equal recipe give equal bytes, as long as the versions of libvips and its
 * encoders stay the same. The work is done in a thread of libuv's pool; how many run at once is the caller's to bound.
 *
 * Memory: decoders that go row by row hold a few rows; pictures that must be turned, and interlaced or progressive ones,
 * take three or four bytes per pixel, 64 MB for 4000×4000.
 *
 * @param source the file's bytes, which must not change meanwhile, or its path.
 * @param path the field that holds the picture, for errors: `messages[0].content[1].image_url.url`
 * @throws FoveaError `INVALID_IMAGE` when the file is damaged, cut off, or not what its header told.
 */
export async function normaliseImage(
  source: Uint8Array | string,
  recipe: Recipe,
  path: string,
): Promise<Buffer> {
  const format = recogniseFormat(await startOf(source));
  if (format !== recipe.mediaType) throw damaged(path, `${format} instead of ${recipe.mediaType}`);
  const { upright, shrunk, padded } = recipe;
  try {
    const file = sharp(source, { failOn: 'error', limitInputPixels: upright.width * upright.height });
    const { autoOrient } = await file.metadata();
    if (!isSame(autoOrient, upright)) {
      throw damaged(path, `${autoOrient.width}×${autoOrient.height} pixels, not as its header told`);
    }
    let picture = toPlainPixels(file);
    if (padded !== undefined) picture = withMargin(picture, upright, padded);
    // sharp resizes before it adds a margin, in whatever order it is told.
    if (padded !== undefined && shrunk !== undefined) picture = await materialised(picture);
    if (shrunk !== undefined) {
      const { kernel, ...size } = shrunk;
      picture = picture.resize({ ...size, fit: 'fill', kernel, fastShrinkOnLoad: false });
    }
    const encoded = recipe.encoding === 'jpeg' ? picture.jpeg(JPEG) : picture.png(PNG);
    const { data, info } = await encoded
      .timeout({ seconds: TIMEOUT_S })
      .toBuffer({ resolveWithObject: true });
    if (!isSame(info, recipe)) throw damaged(path, `became ${info.width}×${info.height} pixels`);
    return data;
  } catch (error) {
    throw FoveaError.isInstance(error) ? error : damaged(path, messageOf(error), error);
  }
}

/** libvips would open SVG, TIFF and more; it sees only what starts like the one expected format. */
async function startOf(source: Uint8Array | string): Promise<Uint8Array> {
  if (typeof source !== 'string') return source.subarray(0, LONGEST_SIGNATURE);
  const file = await open(source);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LONGEST_SIGNATURE), 0, LONGEST_SIGNATURE, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

const toPlainPixels = (file: Sharp): Sharp =>
  file.autoOrient().flatten({ background: '#ffffff' }).toColourspace('srgb').removeAlpha();

function withMargin(picture: Sharp, from: PixelSize, to: PixelSize): Sharp {
  return picture.extend({
    right: to.width - from.width,
    bottom: to.height - from.height,
    extendWith: 'copy',
  });
}

async function materialised(picture: Sharp): Promise<Sharp> {
  const { data, info } = await picture.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return sharp(data, { raw: { width, height, channels } });
}

const isSame = (one: PixelSize, other: PixelSize): boolean =>
  one.width === other.width && one.height === other.height;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function damaged(path: string, detail: string, cause?: unknown): FoveaError {
  const message = 'The image is damaged: it cannot be decoded to the picture that its header tells.';
  return new FoveaError('INVALID_IMAGE', { message, param: path, detail, cause });
}
