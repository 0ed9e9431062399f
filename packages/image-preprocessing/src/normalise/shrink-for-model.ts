import type { ImageProcessor } from '@fovea/schemas/model-package';
import type { PixelSize } from '../header/image-header.js';
import { idefics3Grid } from '../idefics3/idefics3-grid.js';
import { imageTokens } from '../tokens/image-tokens.js';
import { internVlGrid } from '../tokens/internvl-tiles.js';
import { llavaNextCanvas } from '../tokens/llava-next-tokens.js';
import { qwenVlSize } from '../tokens/qwen-vl-size.js';
import type { ShrinkKernel } from './recipe.js';
import { sizeForModel } from './size-for-model.js';

/**
 * Shrinking costs a decoding and an encoding here; it is worth that when at least half of the pixels go, which then
 * neither travel nor are decoded and scaled by the engine.
 */
const WORTHWHILE_FACTOR = 2;

const kernels: Readonly<Record<ImageProcessor['family'], ShrinkKernel>> = {
  qwen2_vl: 'cubic',
  qwen2_5_vl: 'cubic',
  qwen3_vl: 'cubic',
  idefics3: 'lanczos3',
  smolvlm: 'lanczos3',
  llava: 'cubic',
  llava_next: 'cubic',
  internvl: 'cubic',
  gemma3: 'linear',
};

/** The smallest size of the same aspect that covers a frame, so that the model's own scaling only makes it smaller. */
function covering({ width, height }: PixelSize, frame: PixelSize): PixelSize {
  const scale = Math.max(frame.width / width, frame.height / height);
  const scaled = (side: number, least: number) => Math.max(least, Math.round(side * scale));
  return { width: scaled(width, frame.width), height: scaled(height, frame.height) };
}

/** The largest size of the same aspect within a frame. */
function within({ width, height }: PixelSize, frame: PixelSize): PixelSize {
  const scale = Math.min(frame.width / width, frame.height / height);
  const scaled = (side: number, most: number) => Math.max(1, Math.min(most, Math.round(side * scale)));
  return { width: scaled(width, frame.width), height: scaled(height, frame.height) };
}

/** All the pixels that the model's processor makes use of; undefined when it may use all there are. */
function usedPixels(size: PixelSize, processor: ImageProcessor): PixelSize | undefined {
  switch (processor.family) {
    case 'qwen2_vl':
    case 'qwen2_5_vl':
    case 'qwen3_vl':
      return qwenVlSize(size, processor);
    case 'idefics3':
    case 'smolvlm': {
      const { scaledWidth, scaledHeight } = idefics3Grid(size.width, size.height, processor);
      return { width: scaledWidth, height: scaledHeight };
    }
    case 'llava':
      return covering(size, { width: processor.imageEdge, height: processor.imageEdge });
    case 'llava_next':
      return within(size, llavaNextCanvas(size, processor));
    case 'internvl': {
      const { columns, rows } = internVlGrid(size, processor);
      return covering(size, { width: columns * processor.tileEdge, height: rows * processor.tileEdge });
    }
    case 'gemma3':
      return processor.panAndScan
        ? undefined
        : covering(size, { width: processor.imageEdge, height: processor.imageEdge });
  }
}

/**
 * The size to which a picture is shrunk before it is sent, because the model's processor would do it anyway; undefined
 * when that saves too little, or would change the number of its tokens, or make it too small to be taken.
 */
export function shrinkForModel(
  size: PixelSize,
  processor: ImageProcessor,
): (PixelSize & { readonly kernel: ShrinkKernel }) | undefined {
  const used = usedPixels(size, processor);
  if (used === undefined || used.width > size.width || used.height > size.height) return undefined;
  if (used.width * used.height * WORTHWHILE_FACTOR > size.width * size.height) return undefined;
  const needed = sizeForModel(used, processor);
  if (needed.width !== used.width || needed.height !== used.height) return undefined;
  const before = imageTokens(processor, size);
  const after = imageTokens(processor, used);
  if ('refused' in before || 'refused' in after || before.tokens !== after.tokens) return undefined;
  return before.wrapperTokens === after.wrapperTokens
    ? { ...used, kernel: kernels[processor.family] }
    : undefined;
}
