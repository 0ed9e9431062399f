import { VllmError } from '../http/vllm-error.js';
import type { ImageSize } from './image-header.js';

/** Bounds a request may set in `mm_processor_kwargs`, in pixels of area. */
export interface PixelBounds {
  readonly minPixels?: number | undefined;
  readonly maxPixels?: number | undefined;
}

/** Tokens of an image in the prompt, its wrapper left out; throws a `VllmError` for one the processor refuses. */
export type ImageTokens = (size: ImageSize, bounds: PixelBounds) => number;

const side = 28;
const maxSideRatio = 200;

/** Python's `round`: a half goes to the even neighbour. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * Qwen2.5-VL: one token per 28 × 28 pixels after the resize of `smart_resize` (Hugging Face
 * `image_processing_qwen2_vl`); the bounds are those its checkpoints ship.
 */
export const qwenImageTokens: ImageTokens = ({ width, height }, bounds) => {
  const { minPixels = 3136, maxPixels = 12_845_056 } = bounds;
  if (Math.max(width, height) / Math.min(width, height) > maxSideRatio) {
    const ratio = Math.max(width, height) / Math.min(width, height);
    throw new VllmError(400, `absolute aspect ratio must be smaller than ${maxSideRatio}, got ${ratio}`);
  }
  const whole = (pixels: number): number => Math.max(1, roundHalfEven(pixels / side));
  let rows = whole(height);
  let columns = whole(width);
  const area = rows * columns * side * side;
  if (area > maxPixels) {
    const shrink = Math.sqrt((height * width) / maxPixels);
    rows = Math.max(1, Math.floor(height / shrink / side));
    columns = Math.max(1, Math.floor(width / shrink / side));
  } else if (area < minPixels) {
    const grow = Math.sqrt(minPixels / (height * width));
    rows = Math.ceil((height * grow) / side);
    columns = Math.ceil((width * grow) / side);
  }
  return rows * columns;
};
