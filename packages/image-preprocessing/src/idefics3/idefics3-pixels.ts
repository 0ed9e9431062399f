import type { Idefics3Grid } from './idefics3-grid.js';
import type { Idefics3Image } from './idefics3-image.js';

/** How whole-number pixels become the encoder's floats. */
export interface Idefics3Normalisation {
  /** Factor on 0…255; 1 when the model does not rescale. */
  readonly rescaleFactor: number;
  /** Per channel, after rescaling; zeros when the model does not normalise. */
  readonly mean: readonly [number, number, number];
  /** Per channel; ones when the model does not normalise. */
  readonly std: readonly [number, number, number];
}

interface TilePlace {
  readonly pixels: Uint8Array;
  readonly rowPixels: number;
  readonly left: number;
  readonly top: number;
}

function placeOf(image: Idefics3Image, tile: number, tileEdge: number): TilePlace {
  const { columns, rows, width }: Idefics3Grid = image.grid;
  if (tile < rows * columns) {
    const left = (tile % columns) * tileEdge;
    const top = Math.floor(tile / columns) * tileEdge;
    return { pixels: image.canvas, rowPixels: width, left, top };
  }
  return { pixels: image.overview ?? image.canvas, rowPixels: tileEdge, left: 0, top: 0 };
}

/**
 * One tile as the vision encoder takes it: planes of red, green and blue, `3 × tileEdge × tileEdge` floats. Tiles count
 * row by row; the last one is the view of the whole image. Runs in the caller's thread: use a worker.
 */
export function idefics3PixelValues(
  image: Idefics3Image,
  tile: number,
  tileEdge: number,
  { rescaleFactor, mean, std }: Idefics3Normalisation,
): Float32Array<ArrayBuffer> {
  const { pixels, rowPixels, left, top } = placeOf(image, tile, tileEdge);
  const plane = tileEdge * tileEdge;
  const values = new Float32Array(3 * plane);
  for (const channel of [0, 1, 2] as const) {
    const factor = rescaleFactor / std[channel];
    const offset = -mean[channel] / std[channel];
    for (let y = 0; y < tileEdge; y += 1) {
      const from = ((top + y) * rowPixels + left) * 3 + channel;
      const to = channel * plane + y * tileEdge;
      for (let x = 0; x < tileEdge; x += 1) values[to + x] = pixels[from + 3 * x]! * factor + offset;
    }
  }
  return values;
}

/** The mask beside `count` tiles: every pixel counts, since the image is stretched over whole tiles. */
export function idefics3PixelMask(count: number, tileEdge: number): Uint8Array {
  return new Uint8Array(count * tileEdge * tileEdge).fill(1);
}
