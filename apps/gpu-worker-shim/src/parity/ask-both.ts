import {
  decodeIdefics3Image,
  type Idefics3ImageSettings,
  idefics3PixelValues,
  idefics3TileCount,
} from '@fovea/image-preprocessing';
import { ChatClient } from '../testing/chat-client.js';
import type { MixedRequest, Picture } from './mixed-requests.js';
import type { TransformersOracle } from './transformers-oracle.js';

/** Sizes of the folders that `writeIdefics3Folder` makes. */
export const TILE = 32;
const sizes: Idefics3ImageSettings = {
  longestEdge: 128,
  tileEdge: TILE,
  doImageSplitting: true,
  resample: 1,
};
const normalisation = { rescaleFactor: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;

/** Tiles of one picture, one after the other, as this server makes them. */
export async function ownPixels(picture: Picture, doImageSplitting: boolean): Promise<Float32Array[]> {
  const bytes = Buffer.from(picture.url.slice(picture.url.indexOf(',') + 1), 'base64');
  const image = await decodeIdefics3Image(bytes, { ...sizes, doImageSplitting });
  const tiles = Array.from({ length: idefics3TileCount(image.grid) }, (_, tile) => tile);
  return tiles.map((tile) => idefics3PixelValues(image, tile, TILE, normalisation));
}

function concat(arrays: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}

/**
 * Pictures of one colour go through transformers.js's own image processor; of others it gets our pixels, since it scales to
 * whole tiles by a bilinear filter where the reference processor (and this server) uses Lanczos.
 */
export async function askOracle(oracle: TransformersOracle, request: MixedRequest) {
  const { pictures, text, earlier, doImageSplitting, maxTokens } = request;
  const tiles = pictures.map((picture) => ownPixels(picture, doImageSplitting));
  const isPlain = pictures.every((picture) => picture.isPlain);
  // A template of text alone takes strings.
  const part = (words: string) => (oracle.isMultimodal ? [{ type: 'text', text: words }] : words);
  return oracle.generate({
    messages: [
      ...(earlier
        ? [
            { role: 'user', content: part(earlier.question) },
            { role: 'assistant', content: part(earlier.answer) },
          ]
        : []),
      {
        role: 'user',
        content: oracle.isMultimodal ? [...pictures.map(() => ({ type: 'image' })), ...part(text)] : text,
      },
    ],
    images: pictures,
    doImageSplitting,
    maxTokens,
    ...(!isPlain && { pixelValues: concat((await Promise.all(tiles)).flat()) }),
  });
}

export async function askServer(client: ChatClient, request: MixedRequest) {
  const { messages } = ChatClient.ask(request.text, ...request.pictures.map(({ url }) => url));
  const { earlier } = request;
  const turns = earlier
    ? [
        { role: 'user', content: earlier.question },
        { role: 'assistant', content: earlier.answer },
      ]
    : [];
  const answer = await client.answer({
    messages: [...turns, ...messages],
    temperature: 0,
    max_tokens: request.maxTokens,
    return_token_ids: true,
    mm_processor_kwargs: { do_image_splitting: request.doImageSplitting },
  });
  return { promptIds: answer.prompt_token_ids, tokenIds: answer.choices[0]?.token_ids };
}
