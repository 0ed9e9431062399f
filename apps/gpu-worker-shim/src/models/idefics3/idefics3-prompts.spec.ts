import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import type { GenerationRequest } from '../../engine/generation-request.js';
import type { Calls } from '../../engine/threads/call-thread.js';
import type { Generations } from '../../engine/threads/decoder-thread.js';
import type { ChatModelPart, ChatModelPiece, ChatModelRequest } from '../chat-model.js';
import { LanguageModel } from '../language/language-model.js';
import { PromptTokens } from '../language/prompt-tokens.js';
import type { EncodedPrompt } from '../language/raw-prompt.js';
import type { PromptCall } from '../language/serve-prompts.js';
import { Idefics3Prompts } from './idefics3-prompts.js';
import type { PromptRequest } from './prompt/idefics3-prompt.js';
import type { VisionRequest } from './thread-settings.js';

type Stage = 'prompt' | 'vision' | 'decoder';

const end = { finishReason: 'stop' as const, stopReason: null };
const load = { running: 0, cachedTokens: 0, preemptions: 0, prefixQueries: 0, prefixHits: 0 };
const alive = { isHealthy: true, close: async () => undefined };

/**
 * Threads that answer when `before` each stage has; a throw of it fails the call. A prompt of one token, then the image
 * tokens.
 */
function fakeThreads(before: (stage: Stage) => unknown) {
  const calls: string[] = [];
  const requests: Omit<GenerationRequest, 'id'>[] = [];
  const note = async (stage: Stage): Promise<void> => {
    calls.push(stage);
    await before(stage);
  };
  const prompt: Calls<PromptCall<PromptRequest>, EncodedPrompt> = {
    ...alive,
    call: async (call) => {
      await note('prompt');
      const images = 'chat' in call ? call.chat.grids : call.raw.items.filter((item) => 'marked' in item);
      return { ids: Int32Array.from([1, ...new Array<number>(4 * images.length).fill(9)]) };
    },
  };
  const vision: Calls<VisionRequest, Float32Array<ArrayBuffer>> = {
    ...alive,
    call: async ({ images }) => {
      await note('vision');
      return new Float32Array(4 * images.length).fill(images[0]?.canvas[0] ?? 0);
    },
  };
  const decoder: Generations = {
    ...alive,
    load,
    async *generate(request) {
      await note('decoder');
      requests.push(request);
      yield { index: 0, text: 'yes', tokenIds: [5], completionTokens: 1, end };
    },
  };
  return { prompt, vision, decoder, calls, requests };
}

function createModel(before: (stage: Stage) => unknown = () => undefined) {
  const fake = fakeThreads(before);
  const limits = { maxModelLen: 64, longestTokenBytes: 10, leastImageTokens: 4 };
  const prompts = new Idefics3Prompts(
    {
      image: { longestEdge: 8, tileEdge: 8, doImageSplitting: false, resample: 1 },
      imageTokenId: 9,
      tokensPerTile: 4,
      imageCacheBytes: 1 << 16,
    },
    new PromptTokens(fake.prompt, limits, async () => ({ thread: fake.prompt })),
    fake.vision,
  );
  const settings = { id: 'tiny', maxModelLen: 64, eosTokenIds: [0], vocabularySize: 10 };
  const bounds = { maxRunning: 4, maxWaiting: 4, kvCacheTokens: 256 };
  const model = new LanguageModel({ ...settings, ...bounds }, prompts, fake.decoder);
  return { model, ...fake };
}

const picture = (shade: number): Promise<Buffer> =>
  sharp({ create: { width: 9, height: 9, channels: 3, background: { r: shade, g: 0, b: 0 } } })
    .png()
    .toBuffer();

function ask(...images: Uint8Array[]): ChatModelRequest {
  const parts: ChatModelPart[] = images.map((bytes, at) => ({
    type: 'image',
    image: { bytes, path: `image${at}` },
  }));
  return {
    requestId: 'test',
    messages: [{ role: 'user', content: [...parts, { type: 'text', text: 'What?' }] }],
    sampling: {},
    choices: 1,
  };
}

const never = new AbortController().signal;

async function answer(model: LanguageModel, request: ChatModelRequest): Promise<string> {
  const pieces: ChatModelPiece[] = [];
  for await (const piece of model.start(request, never)) pieces.push(piece);
  return pieces.map(({ text }) => text).join('');
}

describe('an Idefics3 model', () => {
  it('gives the decoder the embeddings of all images in order, known or not', async () => {
    const { model, requests, calls } = createModel();
    const [dark, light] = [await picture(10), await picture(200)];
    await answer(model, ask(light, dark));
    await answer(model, ask(dark, light, dark));
    expect([...(requests[0]?.prompt.features ?? [])]).toEqual([
      ...new Array(4).fill(200),
      ...new Array(4).fill(10),
    ]);
    expect([...(requests[1]?.prompt.features ?? [])].filter((_, at) => at % 4 === 0)).toEqual([10, 200, 10]);
    expect(requests[1]?.prompt.images.map(({ tokens }) => tokens)).toEqual([4, 4, 4]);
    expect(calls.filter((stage) => stage === 'vision')).toHaveLength(2);
    expect(model.load().caches).toMatchObject({ imageQueries: 5, imageHits: 3 });
  });

  it('decodes and encodes an image once that stands twice in a prompt', async () => {
    const { model, calls } = createModel();
    const image = await picture(77);
    await answer(model, ask(image, image));
    expect(calls.filter((stage) => stage === 'vision')).toHaveLength(1);
  });

  it.each<Stage | 'image'>(['image', 'prompt', 'vision', 'decoder'])(
    'fails one request at the stage "%s", no neighbour, and gives its place back',
    async (stage) => {
      let isFailing = stage !== 'image';
      const { model } = createModel((at) => {
        if (at !== stage || !isFailing) return;
        isFailing = false;
        throw new RangeError('Array buffer allocation failed');
      });
      const bad = stage === 'image' ? (await picture(1)).subarray(0, 50) : await picture(1);
      const neighbours = await Promise.all([2, 3].map(picture));
      const results = await Promise.allSettled([
        answer(model, ask(bad)),
        ...neighbours.map((one) => answer(model, ask(one))),
      ]);
      expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
      expect(results.filter((one) => one.status === 'fulfilled' && one.value === 'yes')).toHaveLength(2);
      expect(model.load().waiting).toBe(0);
      expect(await answer(model, ask(await picture(1)))).toBe('yes');
    },
  );

  it('prepares pictures of better priority first, equal ones in order of arrival', async () => {
    const releases: (() => void)[] = [];
    const { model, requests } = createModel((stage) => {
      if (stage !== 'vision' || releases.length === 2) return undefined;
      return new Promise<void>((resolve) => releases.push(resolve));
    });
    const answers: Promise<string>[] = [];
    // Two are prepared at a time: the others wait.
    for (const [at, priority] of [0, 0, 0, 5, -5, undefined].entries()) {
      const request = { ...ask(await picture(10 * at)), ...(priority !== undefined && { priority }) };
      answers.push(answer(model, request));
      while ((model.load().caches?.imageQueries ?? 0) < answers.length) await nextTurn();
    }
    while (releases.length < 2) await nextTurn();
    // Through the place of one the others go one by one.
    releases[1]!();
    await Promise.all(answers.filter((_, at) => at > 1));
    releases[0]!();
    await Promise.all(answers);
    const order = requests.map(({ prompt }) => prompt.features[0]);
    expect(order.slice(1, 5)).toEqual([40, 20, 50, 30]);
  });

  it('encodes nothing for a prompt that does not fit', async () => {
    const { model, calls } = createModel();
    const images = await Promise.all(Array.from({ length: 20 }, (_, at) => picture(at)));
    await expect(answer(model, ask(...images))).rejects.toMatchObject({ code: 'CONTEXT_LENGTH_EXCEEDED' });
    expect(calls).toEqual([]);
  });

  it('counts a prompt without a look at its pixels, and whether it fits or not', async () => {
    const { model, calls } = createModel();
    const cut = (await picture(5)).subarray(0, -16);
    const chat = ask(...Array.from({ length: 30 }, () => cut));
    expect(await model.tokenizeChat(chat, never)).toHaveLength(1 + 30 * 4);
    expect(calls).toEqual(['prompt']);
    expect(model.load().caches).toMatchObject({ imageQueries: 0 });
  });
});
