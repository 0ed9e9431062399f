import sharp from 'sharp';
import type { RgbImage } from './transformers-oracle.js';

/** A picture for both sides: pixels for one, a file without loss for the other. */
export interface Picture extends RgbImage {
  readonly url: string;
  /** One colour: then every way of scaling gives the same pixels. */
  readonly isPlain: boolean;
}

export interface MixedRequest {
  readonly text: string;
  readonly pictures: readonly Picture[];
  readonly doImageSplitting: boolean;
  readonly maxTokens: number;
  /** An earlier turn of the conversation. */
  readonly earlier?: { readonly question: string; readonly answer: string };
}

const words =
  'what do you see in this image describe the picture how many shapes are there a large red cross on white who are ' +
  'you tell me about 42 hills and the sea? compare them, please! größer 数 🙂';

/** Numbers from 0 up to `bound`, the same for every run (a linear congruential generator of Numerical Recipes). */
export function numbers(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** Plain pictures have one colour, others coarse random fields. */
export async function drawPicture(
  width: number,
  height: number,
  isPlain: boolean,
  next: (bound: number) => number,
): Promise<Picture> {
  const side = isPlain ? 1 : 3 + next(5);
  const colours = Buffer.from(Array.from({ length: side * side * 3 }, () => next(256)));
  const image = sharp(colours, { raw: { width: side, height: side, channels: 3 } }).resize({
    width,
    height,
    fit: 'fill',
    kernel: 'nearest',
  });
  const rgb = Uint8Array.from(await image.clone().raw().toBuffer());
  const png = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return { width, height, rgb, isPlain, url: `data:image/png;base64,${png.toString('base64')}` };
}

async function drawPictures(count: number, next: (bound: number) => number): Promise<Picture[]> {
  const isPlain = next(2) === 0;
  const pictures: Picture[] = [];
  for (let at = 0; at < count; at += 1) {
    pictures.push(await drawPicture(20 + next(200), 20 + next(200), isPlain, next));
  }
  return pictures;
}

/** Requests of every kind in one order: text alone, one to three pictures, cut into tiles or not, of unequal length. */
export async function mixedRequests(
  count: number,
  seed: number,
  mostPictures: number,
): Promise<MixedRequest[]> {
  const next = numbers(seed);
  const vocabulary = words.split(' ');
  const sentence = (least: number, most: number) =>
    Array.from({ length: least + next(most - least) }, () => vocabulary[next(vocabulary.length)]).join(' ');
  const requests: MixedRequest[] = [];
  for (let at = 0; at < count; at += 1) {
    requests.push({
      text: sentence(1, 40),
      pictures: await drawPictures(at % (mostPictures + 1), next),
      doImageSplitting: next(2) === 0,
      maxTokens: 4 + next(40),
      ...(next(4) === 0 && { earlier: { question: sentence(1, 12), answer: sentence(1, 12) } }),
    });
  }
  return requests;
}
