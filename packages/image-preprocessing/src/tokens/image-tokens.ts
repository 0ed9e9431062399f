import type { ImageProcessor, ImageProcessorOf } from '@fovea/schemas/model-package';
import type { PixelSize } from '../header/image-header.js';
import { idefics3Grid, idefics3TileCount, idefics3WrapperTokens } from '../idefics3/idefics3-grid.js';
import { gemma3Crops } from './gemma3-crops.js';
import { internVlGrid, internVlTileCount } from './internvl-tiles.js';
import { llavaNextTokens } from './llava-next-tokens.js';
import { QWEN_VL_MAX_RATIO, qwenVlSize, qwenVlStep } from './qwen-vl-size.js';

/** What a picture costs. */
export interface ImageTokenCount {
  /** Tokens that stand for pixels: exact. */
  readonly tokens: number;
  /** Tags and newlines around them, when each tag is one token of the vocabulary. */
  readonly wrapperTokens: number;
}

/** Why a model's image processor throws at a picture. */
export interface ImageTokenRefusal {
  readonly refused: 'side-ratio';
  /** Longer side over shorter side. */
  readonly limit: number;
  readonly actual: number;
}

/** Start and end tag. */
const PAIR = 2;
/** Start and end tag, and newlines on both sides. */
const PAIR_AND_NEWLINES = 4;

/**
 * How many tokens a picture becomes, from its size alone: the same number that the engine counts for it.
 *
 * @param size in pixels, after EXIF rotation and after whatever is done to the picture before it is sent.
 */
export function imageTokens(processor: ImageProcessor, size: PixelSize): ImageTokenCount | ImageTokenRefusal {
  switch (processor.family) {
    case 'qwen2_vl':
    case 'qwen2_5_vl':
    case 'qwen3_vl':
      return qwenVlTokens(processor, size);
    case 'idefics3':
    case 'smolvlm': {
      const grid = idefics3Grid(size.width, size.height, processor);
      const tokens = idefics3TileCount(grid) * processor.tokensPerTile;
      return { tokens, wrapperTokens: idefics3WrapperTokens(grid) };
    }
    case 'llava':
      return { tokens: processor.tokensPerImage, wrapperTokens: 0 };
    case 'llava_next':
      return { tokens: llavaNextTokens(size, processor), wrapperTokens: 0 };
    case 'internvl': {
      const tiles = internVlTileCount(internVlGrid(size, processor), processor);
      return { tokens: tiles * processor.tokensPerTile, wrapperTokens: PAIR };
    }
    case 'gemma3': {
      const views = 1 + gemma3Crops(size, processor);
      return { tokens: views * processor.tokensPerImage, wrapperTokens: views * PAIR_AND_NEWLINES };
    }
  }
}

function qwenVlTokens(
  processor: ImageProcessorOf<'qwen2_vl'>,
  size: PixelSize,
): ImageTokenCount | ImageTokenRefusal {
  const actual = Math.max(size.width, size.height) / Math.min(size.width, size.height);
  if (actual > QWEN_VL_MAX_RATIO) return { refused: 'side-ratio', limit: QWEN_VL_MAX_RATIO, actual };
  const step = qwenVlStep(processor);
  const { width, height } = qwenVlSize(size, processor);
  return { tokens: (width / step) * (height / step), wrapperTokens: PAIR };
}
