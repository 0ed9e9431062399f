import sharp from 'sharp';
import type { RgbImage } from './rgb-image.js';

/** The network halves its input five times, so both sides must be multiples of 32. */
const cellPx = 32;
/** Longest side that detection sees; it bounds time and memory whatever the picture. */
const maxSidePx = 1536;

/** Means and deviations that PP-OCR was trained with, in its own channel order: blue, green, red. */
const means = [0.485, 0.456, 0.406] as const;
const deviations = [0.229, 0.224, 0.225] as const;

/** A network input of shape [1, 3, height, width]. */
export interface ImageTensor {
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** The size at which text is searched in a picture of this size: at most 1536 px a side, in cells of 32 px. */
export function ppOcrDetectionSize(width: number, height: number): { width: number; height: number } {
  const scale = Math.min(1, maxSidePx / Math.max(width, height));
  const toCells = (side: number): number => Math.max(1, Math.round((side * scale) / cellPx)) * cellPx;
  return { width: toCells(width), height: toCells(height) };
}

/**
 * Counts what a picture costs as prompt tokens: one per cell of 32×32 px that detection looks at (1 to 2,304).
 * The count follows from the size alone and is the same for a picture and its rotation by 90°.
 */
export function countPpOcrTokens(width: number, height: number): number {
  const size = ppOcrDetectionSize(width, height);
  return (size.width / cellPx) * (size.height / cellPx);
}

/** Scales the picture to its detection size and normalises it as PP-OCR's detection network wants it. */
export async function toPpOcrDetectionTensor(image: RgbImage): Promise<ImageTensor> {
  const { width, height } = ppOcrDetectionSize(image.width, image.height);
  const pixels = await sharp(image.pixels, { raw: { width: image.width, height: image.height, channels: 3 } })
    .resize(width, height, { fit: 'fill', kernel: 'linear' })
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
