import type { ImageProcessorOf } from '@fovea/schemas/model-package';
import type { PixelSize } from '../header/image-header.js';

/**
 * Canvas and token count of LLaVA-NeXT, after `select_best_resolution` of Hugging Face transformers and
 * `get_num_image_tokens` of vLLM's `llava_next`.
 */
type LlavaNextProcessor = ImageProcessorOf<'llava_next'>;

/** The canvas on which most of the picture's pixels survive; among equals the one with the least empty area. */
export function llavaNextCanvas({ width, height }: PixelSize, processor: LlavaNextProcessor): PixelSize {
  let best = { width: 0, height: 0 };
  let bestKept = -1;
  let leastWaste = Number.POSITIVE_INFINITY;
  for (const [canvasHeight, canvasWidth] of processor.gridPinpoints) {
    const scale = Math.min(canvasWidth / width, canvasHeight / height);
    const scaledArea = Math.trunc(width * scale) * Math.trunc(height * scale);
    const kept = Math.min(scaledArea, width * height);
    const waste = canvasWidth * canvasHeight - kept;
    if (kept > bestKept || (kept === bestKept && waste < leastWaste)) {
      best = { width: canvasWidth, height: canvasHeight };
      bestKept = kept;
      leastWaste = waste;
    }
  }
  return best;
}

/** Python's `int(round(value, 7))`: what is a whole number but for the last bits counts as one. */
const truncated = (value: number): number => Math.trunc(Number(value.toFixed(7)));

/** Features along the side that the picture does not fill, without the padding on both sides of it. */
const unpadded = (all: number, filled: number): number => all - 2 * Math.floor((all - filled) / 2);

/** One view of the whole, the features of the canvas that the picture covers, and a newline behind each row of them. */
export function llavaNextTokens(size: PixelSize, processor: LlavaNextProcessor): number {
  const { patchesPerSide, imageEdge } = processor;
  const canvas = llavaNextCanvas(size, processor);
  const { width, height } = size;
  let columns = patchesPerSide * Math.floor(canvas.width / imageEdge);
  let rows = patchesPerSide * Math.floor(canvas.height / imageEdge);
  if (width / height > columns / rows) rows = unpadded(rows, truncated(height * (columns / width)));
  else columns = unpadded(columns, truncated(width * (rows / height)));
  return patchesPerSide ** 2 + rows * columns + rows;
}
