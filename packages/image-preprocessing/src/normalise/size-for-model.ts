import type { ImageProcessor } from '@fovea/schemas/model-package';
import type { PixelSize } from '../header/image-header.js';
import { QWEN_VL_MAX_RATIO, qwenVlStep } from '../tokens/qwen-vl-size.js';

/** What a model's processor can take. */
interface SideBounds {
  /** Shorter sides make it throw or crash. */
  readonly minSidePx: number;
  /** Longer side over shorter side. */
  readonly maxRatio: number;
}

const unbounded: SideBounds = { minSidePx: 1, maxRatio: Number.POSITIVE_INFINITY };
/** A picture of 1×1 ended engines with models of this family (CVE-2026-22773). */
const IDEFICS3_MIN_SIDE_PX = 8;
/** LLaVA 1.5 enlarges until the short side fits: 4000×1 would become 450 megapixels. */
const LLAVA_MAX_RATIO = 200;

function boundsOf(processor: ImageProcessor | null): SideBounds {
  switch (processor?.family) {
    case 'qwen2_vl':
    case 'qwen2_5_vl':
    case 'qwen3_vl':
      // Older versions throw at a side below one step.
      return { minSidePx: qwenVlStep(processor), maxRatio: QWEN_VL_MAX_RATIO };
    case 'idefics3':
    case 'smolvlm':
      return { ...unbounded, minSidePx: IDEFICS3_MIN_SIDE_PX };
    case 'llava':
      return { ...unbounded, maxRatio: LLAVA_MAX_RATIO };
    default:
      return unbounded;
  }
}

/** A stored picture, as far as its size goes. */
export interface StoredSize extends PixelSize {
  /** EXIF orientation; absent means upright. */
  readonly orientation?: number | undefined;
}

/** The size as a viewer shows it: orientations 5 to 8 lie on their side. */
export function uprightSize({ width, height, orientation = 1 }: StoredSize): PixelSize {
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

/**
 * The size by which a model counts a picture, in pixels: upright, and with the margin that is added where the model's
 * processor could not take it. Shrinking, which comes after, does not change the count.
 */
export function sizeForModel(stored: StoredSize, processor: ImageProcessor | null): PixelSize {
  const { width, height } = uprightSize(stored);
  const { minSidePx, maxRatio } = boundsOf(processor);
  const least = Math.max(minSidePx, Math.ceil(Math.max(width, height) / maxRatio));
  return { width: Math.max(width, least), height: Math.max(height, least) };
}
