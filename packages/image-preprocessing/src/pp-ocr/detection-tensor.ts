import sharp from 'sharp';
import type { RgbImage } from './rgb-image.js';

/** The network halves its input five times, so both sides must be multiples of 32. */
const cellPx = 32;
/** Larger pictures are scaled down to this many pixels, which bounds time and memory whatever their shape. */
const maxPixels = 1536 ** 2;

/** Means and deviations that PP-OCR was trained with, in its own channel order: blue, green, red. */
const means = [0.485, 0.456, 0.406] as const;
const deviations = [0.229, 0.224, 0.225] as const;

/** A network input of shape [1, 3, height, width]. */
export interface ImageTensor {
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** How a picture of some size is laid before the detection network: scaled evenly, then filled up to whole cells. */
export interface DetectionSize {
  /** Detection pixels per picture pixel, at most 1. */
  readonly scale: number;
  /** Sides of the scaled picture, which lies in the upper left corner. */
  readonly contentWidth: number;
  readonly contentHeight: number;
  /** Sides of the network's input, multiples of 32. */
  readonly width: number;
  readonly height: number;
}

/**
 * Text is searched at the picture's own size up to 2.4 million pixels, and at that many in larger pictures.
 *
 * @param maxScale searches at a smaller scale still, for pictures whose letters are large
 */
export function ppOcrDetectionSize(width: number, height: number, maxScale = 1): DetectionSize {
  const scale = Math.min(maxScale, Math.sqrt(maxPixels / (width * height)));
  const contentWidth = Math.max(1, Math.round(width * scale));
  const contentHeight = Math.max(1, Math.round(height * scale));
  const toCells = (side: number): number => Math.ceil(side / cellPx) * cellPx;
  return { scale, contentWidth, contentHeight, width: toCells(contentWidth), height: toCells(contentHeight) };
}

/**
 * Counts what a picture costs as prompt tokens: one per cell of 32×32 px that detection looks at (1 to some 2,400).
 * The count follows from the size alone and is the same for a picture and its rotation by 90°.
 */
export function countPpOcrTokens(width: number, height: number): number {
  const size = ppOcrDetectionSize(width, height);
  return (size.width / cellPx) * (size.height / cellPx);
}

/**
 * Scales the picture to its detection size and normalises it as PP-OCR's detection network wants it. What is missing to
 * whole cells on the right and below repeats the picture's edge, so no border comes in that could look like a stroke.
 */
export async function toPpOcrDetectionTensor(image: RgbImage, maxScale = 1): Promise<ImageTensor> {
  const { width, height, contentWidth, contentHeight } = ppOcrDetectionSize(
    image.width,
    image.height,
    maxScale,
  );
  const pixels = await sharp(image.pixels, { raw: { width: image.width, height: image.height, channels: 3 } })
    .resize(contentWidth, contentHeight, { fit: 'fill', kernel: 'linear' })
    .extend({ right: width - contentWidth, bottom: height - contentHeight, extendWith: 'copy' })
    .raw()
    .toBuffer();
  const plane = width * height;
  const values = new Float32Array(3 * plane);
  for (let channel = 0; channel < 3; channel++) {
    const factor = 1 / (255 * deviations[channel]!);
    const offset = means[channel]! / deviations[channel]!;
    const start = channel * plane;
    for (let pixel = 0, source = 2 - channel; pixel < plane; pixel++, source += 3) {
      values[start + pixel] = pixels[source]! * factor - offset;
    }
  }
  return { values, width, height };
}
