import { FoveaError } from '@fovea/errors';
import sharp, { type Sharp } from 'sharp';
import { probeImageHeader } from '../header/probe-image-header.js';
import { type Idefics3Grid, type Idefics3Sizes, idefics3Grid } from './idefics3-grid.js';
import { cropRegion, type ImageCrop } from './image-crop.js';

/** What a `preprocessor_config.json` says about pixels. */
export interface Idefics3ImageSettings extends Idefics3Sizes {
  /** Pillow's number of the resampling filter; 1 is Lanczos. */
  readonly resample: number;
}

/** An image as whole-number pixels, ready to be cut: 8-bit RGB, rows from top to bottom. */
export interface Idefics3Image {
  readonly grid: Idefics3Grid;
  /** `grid.width × grid.height` pixels. */
  readonly canvas: Uint8Array;
  /** The whole image on one tile; absent when the canvas is one tile. */
  readonly overview?: Uint8Array;
}

/** Largest number of pixels that is decoded, as vLLM's `VLLM_MAX_IMAGE_PIXELS`. */
const MAX_PIXELS = 178_956_970;

const kernels = new Map<number, 'nearest' | 'lanczos3' | 'linear' | 'cubic'>([
  [0, 'nearest'],
  [1, 'lanczos3'],
  [2, 'linear'],
  [3, 'cubic'],
]);

/** Is there a filter for Pillow's number? Ask when a model is loaded. */
export function isIdefics3Resample(resample: number): boolean {
  return kernels.has(resample);
}

function unreadable(path: string | undefined, cause?: unknown): FoveaError {
  const detail = cause instanceof Error ? cause.message : undefined;
  return new FoveaError('INVALID_IMAGE', {
    message: 'Failed to load image: it is not a whole PNG, JPEG, WebP or GIF file.',
    param: path,
    cause,
    detail,
  });
}

/** Refuses what is no image, by content, before a decoder sees a byte: libvips would also open SVG and more. */
function assertDecodable(bytes: Uint8Array, path: string | undefined): void {
  const header = probeImageHeader(bytes);
  if (typeof header === 'string') throw unreadable(path);
  const actual = header.width * header.height;
  if (actual <= MAX_PIXELS) return;
  throw new FoveaError('IMAGE_TOO_LARGE', {
    message: `The image has ${actual} pixels; at most ${MAX_PIXELS} are decoded.`,
    param: path,
    limit: { name: 'max_image_pixels', value: MAX_PIXELS, actual },
  });
}

interface RawImage {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

async function toRaw(image: Sharp): Promise<RawImage> {
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`expected 3 channels, got ${info.channels}`);
  // A copy in a buffer of its own can be transferred to a thread; sharp's may be part of a pool.
  return { pixels: Uint8Array.from(data), width: info.width, height: info.height };
}

async function resize(image: RawImage, width: number, height: number, resample: number): Promise<RawImage> {
  if (image.width === width && image.height === height) return image;
  const kernel = kernels.get(resample) ?? 'lanczos3';
  const { pixels, ...size } = image;
  const opened = sharp(pixels, { raw: { ...size, channels: 3 } });
  return toRaw(opened.resize({ width, height, fit: 'fill', kernel }));
}

const open = (bytes: Uint8Array): Sharp => sharp(bytes, { failOn: 'error', limitInputPixels: MAX_PIXELS });

/**
 * How an image would be cut, from its header alone.
 *
 * @param path the field that holds the image, for the error.
 * @throws FoveaError `INVALID_IMAGE` for what has no header that can be read, or `IMAGE_TOO_LARGE`.
 */
export async function readIdefics3Grid(
  bytes: Uint8Array,
  settings: Idefics3Sizes,
  path?: string,
): Promise<Idefics3Grid> {
  assertDecodable(bytes, path);
  const { autoOrient } = await open(bytes)
    .metadata()
    .catch((cause: unknown) => {
      throw unreadable(path, cause);
    });
  return idefics3Grid(autoOrient.width, autoOrient.height, settings);
}

/**
 * Decodes an image and scales it the way the reference processor does: upright by EXIF, transparency on white, longest
 * side to `longestEdge`, then whole tiles, then one tile for the whole view. Pixels are worked on in libvips threads.
 *
 * @param path the field that holds the image, for the error.
 * @param crop the part of the image that is seen; absent: all of it
 * @throws FoveaError `INVALID_IMAGE`, `IMAGE_TOO_LARGE` before anything is decoded, or `INVALID_REQUEST` when the crop
 * is not inside the image.
 */
export async function decodeIdefics3Image(
  bytes: Uint8Array,
  settings: Idefics3ImageSettings,
  path?: string,
  crop?: { readonly area: ImageCrop; readonly path?: string },
): Promise<Idefics3Image> {
  assertDecodable(bytes, path);
  const { resample, tileEdge } = settings;
  let grid: Idefics3Grid;
  let scaled: RawImage;
  try {
    const file = open(bytes);
    const { autoOrient } = await file.metadata();
    const region = crop && cropRegion(autoOrient, crop.area, crop.path);
    const seen = region ?? autoOrient;
    grid = idefics3Grid(seen.width, seen.height, settings);
    const upright = file.autoOrient();
    scaled = await toRaw(
      (region === undefined ? upright : upright.extract(region))
        .flatten({ background: '#ffffff' })
        .toColourspace('srgb')
        .removeAlpha()
        .resize({
          width: grid.scaledWidth,
          height: grid.scaledHeight,
          fit: 'fill',
          kernel: kernels.get(resample) ?? 'lanczos3',
          fastShrinkOnLoad: false,
        }),
    );
  } catch (error) {
    throw FoveaError.isInstance(error) ? error : unreadable(path, error);
  }
  const canvas = await resize(scaled, grid.width, grid.height, resample);
  if (grid.rows === 0) return { grid, canvas: canvas.pixels };
  const overview = await resize(canvas, tileEdge, tileEdge, resample);
  return { grid, canvas: canvas.pixels, overview: overview.pixels };
}
