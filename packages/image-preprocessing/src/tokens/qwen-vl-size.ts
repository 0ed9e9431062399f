import type { ImageProcessorOf } from '@fovea/schemas/model-package';
import type { PixelSize } from '../header/image-header.js';

/**
 * Sizes and token counts of Qwen2-VL, Qwen2.5-VL and Qwen3-VL, after `smart_resize` of `Qwen2VLImageProcessor` of
 * Hugging Face transformers.
 */
type QwenVlProcessor = Pick<
  ImageProcessorOf<'qwen2_vl'>,
  'patchSize' | 'mergeSize' | 'minPixels' | 'maxPixels'
>;

/** The processor throws at a longer side that is more than so many times the shorter one. */
export const QWEN_VL_MAX_RATIO = 200;

/** Side of the square that becomes one token, in pixels. */
export const qwenVlStep = ({ patchSize, mergeSize }: QwenVlProcessor): number => patchSize * mergeSize;

/** As Python rounds: a half goes to the even neighbour, where `Math.round` would go up. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return below % 2 === 0 ? below : below + 1;
  return rest < 0.5 ? below : below + 1;
}

/**
 * The size in pixels that a picture is scaled to: both sides whole steps, the area between the two bounds, the aspect
 * kept as far as that allows. The ratio of the sides must be within `QWEN_VL_MAX_RATIO`.
 */
export function qwenVlSize({ width, height }: PixelSize, processor: QwenVlProcessor): PixelSize {
  const { minPixels, maxPixels } = processor;
  const step = qwenVlStep(processor);
  const near = (side: number) => Math.max(step, roundHalfToEven(side / step) * step);
  const scaled = { width: near(width), height: near(height) };
  const area = scaled.width * scaled.height;
  if (area > maxPixels) {
    const factor = Math.sqrt((height * width) / maxPixels);
    const down = (side: number) => Math.max(step, Math.floor(side / factor / step) * step);
    return { width: down(width), height: down(height) };
  }
  if (area < minPixels) {
    const factor = Math.sqrt(minPixels / (height * width));
    const up = (side: number) => Math.ceil((side * factor) / step) * step;
    return { width: up(width), height: up(height) };
  }
  return scaled;
}
