import type { ImageProcessorOf } from '@fovea/schemas/model-package';
import type { PixelSize } from '../header/image-header.js';

/**
 * How many slices of a picture Gemma 3 sees beside the whole, after `pan_and_scan` of Hugging Face transformers and
 * `get_num_crops` of vLLM's `gemma3_mm`. Slices are cut across the long side. 0 without pan and scan.
 */
export function gemma3Crops(
  { width, height }: PixelSize,
  { panAndScan, minCropSize, maxCrops, minCropRatio }: ImageProcessorOf<'gemma3'>,
): number {
  const long = Math.max(width, height);
  const short = Math.min(width, height);
  if (!panAndScan || long / short < minCropRatio) return 0;
  const wanted = Math.min(Math.floor(long / minCropSize), Math.floor(long / short + 0.5));
  const crops = Math.min(maxCrops, Math.max(2, wanted));
  return Math.min(Math.ceil(long / crops), short) < minCropSize ? 0 : crops;
}
