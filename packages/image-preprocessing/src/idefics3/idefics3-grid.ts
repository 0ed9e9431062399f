import type { PixelSize } from '../header/image-header.js';

/**
 * Sizes and token counts of Idefics3 and SmolVLM, after `Idefics3ImageProcessor` of Hugging Face transformers.
 * Pure functions: a gateway can estimate with them what the engine will count.
 */

/** The sizes a `preprocessor_config.json` fixes. */
export interface Idefics3Sizes {
  /** `size.longest_edge`, in pixels: the longest side is scaled to it, up or down. */
  readonly longestEdge: number;
  /** `max_image_size.longest_edge`, in pixels: side of the square tile the vision encoder sees. */
  readonly tileEdge: number;
  /** `do_image_splitting`. False: one tile per image, its aspect not kept. */
  readonly doImageSplitting: boolean;
  /** No side is larger after the first resize, in pixels: 4096, and 1820 in the first versions of Idefics3's processor. */
  readonly maxEdge?: number;
}

/** How one image is cut. `rows` and `columns` are 0 when the image is one tile. */
export interface Idefics3Grid {
  /** Size of the first resize, which keeps the aspect, in pixels. */
  readonly scaledWidth: number;
  readonly scaledHeight: number;
  /** Size that is cut into tiles, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly rows: number;
  readonly columns: number;
}

/** `MAX_IMAGE_SIZE` of the reference. */
const MAX_EDGE = 4096;

function scaleToLongest({ width, height }: PixelSize, longest: number): PixelSize {
  const even = (side: number) => Math.max(1, side % 2 === 0 ? side : side + 1);
  const ratio = width / height;
  return width >= height
    ? { width: longest, height: even(Math.trunc(longest / ratio)) }
    : { width: even(Math.trunc(longest * ratio)), height: longest };
}

function scaleBelow(size: PixelSize, bound: number): PixelSize {
  const { width, height } = size;
  if (Math.max(width, height) <= bound) return size;
  const ratio = width / height;
  return width >= height
    ? { width: bound, height: Math.max(1, Math.trunc(bound / ratio)) }
    : { width: Math.max(1, Math.trunc(bound * ratio)), height: bound };
}

function toWholeTiles({ width, height }: PixelSize, edge: number): PixelSize {
  const up = (side: number) => Math.ceil(side / edge) * edge;
  const ratio = width / height;
  if (width >= height) {
    const whole = up(width);
    return { width: whole, height: up(Math.trunc(whole / ratio)) };
  }
  const whole = up(height);
  return { width: up(Math.trunc(whole * ratio)), height: whole };
}

/** How an image of that many pixels (after EXIF rotation) is scaled and cut. */
export function idefics3Grid(width: number, height: number, sizes: Idefics3Sizes): Idefics3Grid {
  const { longestEdge, tileEdge, doImageSplitting, maxEdge = MAX_EDGE } = sizes;
  const scaled = scaleBelow(scaleToLongest({ width, height }, longestEdge), maxEdge);
  const whole = doImageSplitting ? toWholeTiles(scaled, tileEdge) : { width: tileEdge, height: tileEdge };
  const isSplit = whole.width > tileEdge || whole.height > tileEdge;
  return {
    scaledWidth: scaled.width,
    scaledHeight: scaled.height,
    ...whole,
    rows: isSplit ? whole.height / tileEdge : 0,
    columns: isSplit ? whole.width / tileEdge : 0,
  };
}

/** Tiles the vision encoder sees: those of the grid and, when there is a grid, one view of the whole image. */
export function idefics3TileCount(grid: Pick<Idefics3Grid, 'rows' | 'columns'>): number {
  return grid.rows * grid.columns + 1;
}

/** Tokens of one tile: patches along a side, squared, over the square of the pixel shuffle's scale factor. */
export function idefics3TokensPerTile(tileEdge: number, patchSize: number, scaleFactor: number): number {
  return Math.floor(tileEdge / patchSize) ** 2 / scaleFactor ** 2;
}

/**
 * Tokens around the image tokens, when every tag is one token of the vocabulary and a double newline, too: two per
 * tile and a newline between rows, then newlines and three for the whole view; three without a grid.
 */
export function idefics3WrapperTokens({ rows, columns }: Pick<Idefics3Grid, 'rows' | 'columns'>): number {
  return rows === 0 ? 3 : 2 * rows * columns + (rows - 1) + 1 + 3;
}
