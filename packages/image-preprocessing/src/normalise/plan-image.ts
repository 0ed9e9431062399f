import type { ImageProcessor } from '@fovea/schemas/model-package';
import { type Recipe, recipeOf } from './recipe.js';
import { shrinkForModel } from './shrink-for-model.js';
import { sizeForModel, uprightSize } from './size-for-model.js';

/** What is known of a stored picture; `ImageFacts` and a blob reference fit. What is absent is taken as plain. */
export interface PlannedImage {
  readonly mediaType: string;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** EXIF orientation; absent means upright. */
  readonly orientation?: number | undefined;
  readonly frames?: number | undefined;
  readonly hasAlpha?: boolean | undefined;
  readonly bitDepth?: number | undefined;
  readonly colourModel?: 'cmyk' | undefined;
}

/**
 * Tells whether a picture can go to an engine as it came (`pass`), or what has to be done to it.
 *
 * Engines read files with Pillow, and do not: turn by EXIF, choose among frames, lay grey or palette pictures on white,
 * scale 16 bits down. GIF is never passed on, so that engines only ever decode PNG, JPEG and WebP. Metadata alone is no
 * reason: engines ignore it, and it goes nowhere else; but whatever is encoded anew has none.
 *
 * @param image without a size, which no inspected file is, it passes.
 * @param processor null when nothing is known of the model: then nothing is done for its sake.
 */
export function planImage(image: PlannedImage, processor: ImageProcessor | null): 'pass' | Recipe {
  const { mediaType, width, height, orientation } = image;
  if (width === undefined || height === undefined) return 'pass';
  const stored = { width, height, orientation };
  const upright = uprightSize(stored);
  const size = sizeForModel(stored, processor);
  const padded = size.width === upright.width && size.height === upright.height ? undefined : size;
  const shrunk = processor === null ? undefined : shrinkForModel(size, processor);
  if (isPlain(image) && padded === undefined && shrunk === undefined) return 'pass';
  return recipeOf({
    mediaType,
    upright,
    ...(padded !== undefined && { padded }),
    ...(shrunk !== undefined && { shrunk }),
    encoding: lossyTypes.includes(mediaType) ? 'jpeg' : 'png',
  });
}

/** What came without loss stays without. A lossless WebP is rare, and not told from others by its type. */
const lossyTypes: readonly string[] = ['image/jpeg', 'image/webp'];

function isPlain(image: PlannedImage): boolean {
  const { mediaType, orientation = 1, frames = 1, hasAlpha = false, bitDepth = 8, colourModel } = image;
  const isStill = mediaType !== 'image/gif' && frames === 1;
  return isStill && orientation === 1 && !hasAlpha && bitDepth <= 8 && colourModel === undefined;
}
