import { setMaxListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ModelFolderOptions, writeIdefics3Folder, writeLlamaFolder } from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { GenerationRequest } from '../generation-request.js';
import type { SequenceSettings } from '../sequence.js';
import { greedy } from '../testing/fake-decoder.js';
import { DecoderThread } from './decoder-thread.js';

// Real graphs with random weights in a real thread, which runs from dist: build before.
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fovea-decoder-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Options {
  readonly maxRunning?: number;
  readonly kvCacheBytes?: number;
  readonly prefixCacheBytes?: number;
}

function start(folder: string, suffix: string, options: Options = {}, embedTokens = true) {
  const name = embedTokens ? 'decoder_model_merged' : 'model';
  return DecoderThread.start({
    ...(embedTokens && { embedTokensFile: join(folder, `onnx/embed_tokens${suffix}.onnx`) }),
    decoderFile: join(folder, `onnx/${name}${suffix}.onnx`),
    tokenizerFile: join(folder, 'tokenizer.json'),
    executionProviders: ['cpu'],
    threads: 1,
    maxRunning: 8,
    kvCacheBytes: 2 ** 26,
    prefixCacheBytes: 0,
    ...options,
  });
}

const never = new AbortController().signal;
setMaxListeners(0, never);
const free: Partial<SequenceSettings> = { eosTokenIds: [], stopTokenIds: [], maxTokens: 24 };

/** A prompt of its own for every seed. */
function request(
  seed: number,
  length: number,
  settings: Partial<SequenceSettings> = {},
): Omit<GenerationRequest, 'id'> {
  const ids = Int32Array.from({ length }, (_, at) => 30 + ((seed * 31 + at * 7) % 200));
  const prompt = { ids, imageTokenId: -1, features: new Float32Array(), images: [] };
  return { prompt, choices: [{ ...greedy, ...free, ...settings }] };
}

async function tokensOf(thread: DecoderThread, one: Omit<GenerationRequest, 'id'>): Promise<number[]> {
  const tokens: number[] = [];
  for await (const piece of thread.generate(one, never)) tokens.push(...piece.tokenIds);
  return tokens;
}

/** Lengths on both sides of a bucket of 64; answers of many lengths, so that rows join and leave all the time. */
const mixed = Array.from({ length: 30 }, (_, at) =>
  request(at, [3, 61, 130, 17, 64, 200][at % 6]!, {
    maxTokens: 5 + ((at * 7) % 60),
    ...(at % 3 === 0 && { temperature: 1, seed: at, topP: 0.9 }),
  }),
);

async function oneByOne(thread: DecoderThread, requests: typeof mixed): Promise<number[][]> {
  const all: number[][] = [];
  for (const one of requests) all.push(await tokensOf(thread, one));
  return all;
}

describe.each<[string, string, ModelFolderOptions]>([
  ['gqa', '', { attention: 'gqa' }],
  ['plain', '', { attention: 'plain' }],
  ['gqa, cache in half precision', '', { attention: 'gqa', cacheType: 'float16' }],
  ['plain, cache in half precision', '', { attention: 'plain', cacheType: 'float16' }],
  ['gqa, 8 bits', '_quantized', { attention: 'gqa', dtype: 'q8' }],
  [
    'gqa, weights beside the graph, num_logits_to_keep',
    '',
    { hasExternalData: true, takesLogitsToKeep: true },
  ],
])('a decoder thread: %s', (name, suffix, options) => {
  it('gives each request the tokens it gives alone, whoever joins and leaves', async () => {
    const folder = join(root, name.replaceAll(/[ ,]+/g, '-'));
    await writeIdefics3Folder(folder, options);
    const { thread, facts } = await start(folder, suffix);
    try {
      expect(facts.batching).toBe(true);
      const alone = await oneByOne(thread, mixed);
      expect(new Set(alone.flat()).size).toBeGreaterThan(20);
      expect(await Promise.all(mixed.map((one) => tokensOf(thread, one)))).toEqual(alone);
    } finally {
      await thread.close();
    }
  });
});

describe('a decoder thread', () => {
  it('without room for all makes rows wait and takes them up again, with the same tokens', async () => {
    const folder = join(root, 'small');
    await writeIdefics3Folder(folder, {});
    const long = [1, 2, 3, 4].map((seed) => request(seed, 100, { maxTokens: 150 }));
    const roomy = await start(folder, '');
    const alone = await oneByOne(roomy.thread, long);
    await roomy.thread.close();
    // Two layers of two heads of 16 floats: 512 bytes a token.
    const { thread, facts } = await start(folder, '', { kvCacheBytes: 512 * 640, prefixCacheBytes: 2 ** 20 });
    try {
      expect(facts.kvCacheTokens).toBe(640);
      expect(await Promise.all(long.map((one) => tokensOf(thread, one)))).toEqual(alone);
      expect(thread.load.preemptions).toBeGreaterThan(0);
    } finally {
      await thread.close();
    }
  });

  it('uses what it keeps of prompts, with the same tokens', async () => {
    const folder = join(root, 'prefixes');
    await writeIdefics3Folder(folder, { attention: 'plain' });
    const { thread } = await start(folder, '', { prefixCacheBytes: 2 ** 22 });
    try {
      const first = await oneByOne(thread, mixed.slice(0, 6));
      expect(thread.load.prefixHits).toBe(0);
      expect(await oneByOne(thread, mixed.slice(0, 6))).toEqual(first);
      expect(thread.load.prefixHits).toBeGreaterThan(400);
    } finally {
      await thread.close();
    }
  });

  it('runs a graph that takes input_ids, and goes on with an answer that was begun elsewhere', async () => {
    const folder = join(root, 'llama');
    await writeLlamaFolder(folder, {});
    const { thread, facts } = await start(folder, '', {}, false);
    try {
      expect(facts).toMatchObject({ hiddenSize: undefined, batching: true });
      for (const settings of [{}, { temperature: 1, seed: 5 }]) {
        const whole = await tokensOf(thread, request(1, 40, settings));
        const rest = { ...request(1, 40, settings), answerIds: whole.slice(0, 9) };
        expect(await tokensOf(thread, rest)).toEqual(whole.slice(9));
      }
    } finally {
      await thread.close();
    }
  });

  it('gives the same tokens and log probabilities when it limits logits in a graph that does not do so itself', async () => {
    const told = { ...request(3, 150, { topLogprobs: 2 }), promptLogprobs: 1 };
    const answers = [];
    for (const takesLogitsToKeep of [true, false]) {
      const folder = join(root, `logits-${takesLogitsToKeep}`);
      await writeIdefics3Folder(folder, { takesLogitsToKeep });
      const { thread } = await start(folder, '');
      try {
        const pieces = [];
        for await (const piece of thread.generate(told, never)) pieces.push(piece);
        expect(pieces.flatMap(({ promptLogprobs = [] }) => promptLogprobs).length).toBeGreaterThan(140);
        answers.push(pieces);
      } finally {
        await thread.close();
      }
    }
    expect(answers[1]).toEqual(answers[0]);
  });

  it('fails a request whose tokens the graph cannot take, and no other', async () => {
    const folder = join(root, 'failing');
    await writeLlamaFolder(folder, {});
    const { thread } = await start(folder, '', {}, false);
    try {
      const good = await oneByOne(thread, mixed.slice(0, 4));
      // The second token is forced to an id that the embedding table does not have.
      const bad = { ...request(9, 5), answerIds: [1_000_000] };
      const results = await Promise.allSettled([
        ...mixed.slice(0, 4).map((one) => tokensOf(thread, one)),
        tokensOf(thread, bad),
      ]);
      expect(results.slice(0, 4).map((one) => one.status === 'fulfilled' && one.value)).toEqual(good);
      expect(results[4]).toMatchObject({ status: 'rejected', reason: { code: 'INTERNAL' } });
      expect(thread.isHealthy).toBe(true);
      expect(thread.load).toMatchObject({ running: 0, cachedTokens: 0 });
    } finally {
      await thread.close();
    }
  });
});
