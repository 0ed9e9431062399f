import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  decodeIdefics3Image,
  type Idefics3ImageSettings,
  idefics3PixelValues,
  idefics3TileCount,
} from '@fovea/image-preprocessing';
import { createLogger } from '@fovea/observability';
import {
  describeIf,
  parityRequests,
  transformersJs,
  transformersJsUrl,
  writeIdefics3Folder,
} from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Shim, startShim } from '../compose.js';
import { readShimConfig } from '../config/shim-variables.js';
import { ChatClient } from '../testing/chat-client.js';
import { drawPicture, type MixedRequest, mixedRequests, numbers, type Picture } from './mixed-requests.js';
import { TransformersOracle } from './transformers-oracle.js';

// Greedy answers of this server to many requests at once, against those of transformers.js to one at a time, on the same
// files. The HTTP side runs from source, the threads from dist: build before.

const TIMEOUT_MS = 60_000 + 2_000 * parityRequests;
const TILE = 32;
const sizes: Idefics3ImageSettings = {
  longestEdge: 128,
  tileEdge: TILE,
  doImageSplitting: true,
  resample: 1,
};
const normalisation = { rescaleFactor: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;

/** Tiles of one picture, one after the other, as this server makes them. */
async function ownPixels(picture: Picture, doImageSplitting: boolean): Promise<Float32Array[]> {
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
async function askOracle(oracle: TransformersOracle, request: MixedRequest) {
  const { pictures, text, earlier, doImageSplitting, maxTokens } = request;
  const tiles = pictures.map((picture) => ownPixels(picture, doImageSplitting));
  const isPlain = pictures.every((picture) => picture.isPlain);
  const part = (words: string) => ({ type: 'text', text: words });
  return oracle.generate({
    messages: [
      ...(earlier
        ? [
            { role: 'user', content: [part(earlier.question)] },
            { role: 'assistant', content: [part(earlier.answer)] },
          ]
        : []),
      { role: 'user', content: [...pictures.map(() => ({ type: 'image' })), part(text)] },
    ],
    images: pictures,
    doImageSplitting,
    maxTokens,
    ...(!isPlain && { pixelValues: concat((await Promise.all(tiles)).flat()) }),
  });
}

async function askServer(client: ChatClient, request: MixedRequest) {
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

describeIf(transformersJs, 'answers of an Idefics3 model', () => {
  describe.each(['plain', 'gqa'] as const)('with a %s graph', (attention) => {
    let folder: string;
    let shim: Shim;
    let oracle: TransformersOracle;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'fovea-parity-'));
      await writeIdefics3Folder(folder, { attention, seed: 3 });
      oracle = await TransformersOracle.start(transformersJsUrl, folder);
      const config = readShimConfig({
        SHIM_PORT: '0',
        SHIM_MODELS: `tiny=${folder}`,
        SHIM_MAX_NUM_SEQS: '8',
        SHIM_MAX_WAITING: '10000',
      });
      shim = await startShim(config, createLogger({ service: 'test', level: 'silent' }), '1.0.0');
    }, TIMEOUT_MS);
    afterAll(async () => {
      await oracle.stop();
      await shim.close();
      await rm(folder, { recursive: true });
    });

    it(
      'are those of transformers.js, token by token, while others join and leave',
      async () => {
        const requests = await mixedRequests(parityRequests, 11, 3);
        const client = new ChatClient(shim.address);
        const [answers, expected] = await Promise.all([
          Promise.all(requests.map((request) => askServer(client, request))),
          Promise.all(requests.map((request) => askOracle(oracle, request))),
        ]);
        expect(answers).toEqual(expected);
        // Rows did leave at different times, and what was said depends on what was asked.
        expect(new Set(answers.map(({ tokenIds }) => tokenIds?.length)).size).toBeGreaterThan(5);
        expect(new Set(answers.map(({ tokenIds }) => tokenIds?.join())).size).toBe(requests.length);
      },
      TIMEOUT_MS,
    );
  });
});

describeIf(transformersJs, 'pictures of an Idefics3 model', () => {
  let folder: string;
  let oracle: TransformersOracle;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-parity-'));
    await writeIdefics3Folder(folder);
    oracle = await TransformersOracle.start(transformersJsUrl, folder);
  });
  afterAll(async () => {
    await oracle.stop();
    await rm(folder, { recursive: true });
  });
  const next = numbers(5);

  it.each([
    [128, 128],
    [256, 128],
    [128, 64],
    [96, 384],
    [64, 32],
    [400, 300],
  ])(
    'of %i×%i have the same tiles, to a hundred-thousandth, up to the view of the whole',
    async (width, height) => {
      const picture = await drawPicture(width, height, false, next);
      const own = await ownPixels(picture, true);
      const { pixelValues, rows, columns } = await oracle.process(picture, true);
      const length = 3 * TILE * TILE;
      expect(pixelValues.length).toBe(own.length * length);
      expect(own.length).toBe(rows * columns + 1);
      for (let tile = 0; tile < rows * columns; tile += 1) {
        const theirs = pixelValues.subarray(tile * length, (tile + 1) * length);
        expect(largestDifference(own[tile]!, theirs)).toBeLessThan(1e-5);
      }
    },
  );

  it('have as many tokens, whatever their size', async () => {
    for (let trial = 0; trial < 60; trial += 1) {
      const picture = await drawPicture(1 + next(700), 1 + next(700), true, next);
      const { rows, columns } = await oracle.process(picture, true);
      const own = await ownPixels(picture, true);
      expect({ size: [picture.width, picture.height], tiles: own.length }).toEqual({
        size: [picture.width, picture.height],
        tiles: rows * columns + 1,
      });
    }
  }, 30_000);
});

function largestDifference(one: Float32Array, other: Float32Array): number {
  return one.reduce((most, value, at) => Math.max(most, Math.abs(value - other[at]!)), 0);
}
