import type { PixelSize } from '../header/image-header.js';

/** How pixels are made fewer: the filter that the model's own processor uses. */
export type ShrinkKernel = 'cubic' | 'lanczos3' | 'linear';

/** Raise with every change of what a recipe makes of a picture: derived files are found by it. */
const RECIPE_VERSION = 1;

/**
 * What is done to a picture before an engine gets it. Decoding alone does most of it: the first frame, upright, on
 * white, 8 bits, sRGB, without metadata. The rest is in here.
 */
export interface Recipe {
  /**
   * Tells recipes apart: one file and one id make one result. Short, and safe in the name of a file.
   */
  readonly id: string;
  readonly mediaType: string;
  /** What the file's header tells of its size, turned upright; a file that decodes to something else is refused. */
  readonly upright: PixelSize;
  /** The size with a margin on the right and below, where the edge pixels go on; absent: no margin. */
  readonly padded?: PixelSize;
  /** Absent: as many pixels as before. */
  readonly shrunk?: PixelSize & { readonly kernel: ShrinkKernel };
  readonly encoding: 'jpeg' | 'png';
  /** Pixels of the result. */
  readonly width: number;
  readonly height: number;
}

/** A recipe of these steps. */
export function recipeOf(steps: Omit<Recipe, 'id' | 'width' | 'height'>): Recipe {
  const { upright, padded, shrunk, encoding } = steps;
  const { width, height } = shrunk ?? padded ?? upright;
  const parts = [
    `v${RECIPE_VERSION}`,
    encoding,
    ...(padded === undefined ? [] : [`pad${padded.width}x${padded.height}`]),
    ...(shrunk === undefined ? [] : [`${shrunk.kernel}${shrunk.width}x${shrunk.height}`]),
  ];
  return { id: parts.join('-'), ...steps, width, height };
}
