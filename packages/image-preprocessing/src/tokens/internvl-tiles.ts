import type { ImageProcessorOf } from '@fovea/schemas/model-package';
import type { PixelSize } from '../header/image-header.js';

/** The grid of InternVL 2 to 3, after `find_closest_aspect_ratio` of the model's own code and of vLLM. */
export interface InternVlGrid {
  readonly columns: number;
  readonly rows: number;
}

type InternVlProcessor = Pick<
  ImageProcessorOf<'internvl'>,
  'tileEdge' | 'minTiles' | 'maxTiles' | 'thumbnail'
>;

/** All grids of as many tiles as are allowed, the smaller first. */
function gridsOf({ minTiles, maxTiles }: InternVlProcessor): InternVlGrid[] {
  const grids: InternVlGrid[] = [];
  for (let columns = 1; columns <= maxTiles; columns += 1) {
    for (let rows = 1; columns * rows <= maxTiles; rows += 1) {
      if (columns * rows >= minTiles) grids.push({ columns, rows });
    }
  }
  return grids.sort((one, other) => one.columns * one.rows - other.columns * other.rows);
}

/**
 * The grid whose aspect is nearest to the picture's. Of two that are equally near the larger one is taken if the picture
 * would fill more than half of it.
 */
export function internVlGrid({ width, height }: PixelSize, processor: InternVlProcessor): InternVlGrid {
  const aspect = width / height;
  let best: InternVlGrid = { columns: 1, rows: 1 };
  let least = Number.POSITIVE_INFINITY;
  for (const grid of gridsOf(processor)) {
    const { columns, rows } = grid;
    const difference = Math.abs(aspect - columns / rows);
    const wouldFillHalf = width * height > 0.5 * processor.tileEdge ** 2 * columns * rows;
    if (difference < least || (difference === least && wouldFillHalf)) best = grid;
    least = Math.min(least, difference);
  }
  return best;
}

/** Tiles that the vision encoder sees. */
export function internVlTileCount({ columns, rows }: InternVlGrid, processor: InternVlProcessor): number {
  const tiles = columns * rows;
  return processor.thumbnail && tiles !== 1 ? tiles + 1 : tiles;
}
