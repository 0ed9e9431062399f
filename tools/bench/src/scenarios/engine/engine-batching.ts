import { availableParallelism } from 'node:os';
import { provideBenchmarkFolder } from '@fovea/testing/benchmark-folder';
import { question } from '../../bodies/questions.js';
import { askAll, type Chat } from '../../client/chats.js';
import type { Bench, Contender, Scenario } from '../../scenario.js';
import { modelCache, type ShimProcess, startShim } from '../../systems/shim.js';

const decodeOne = 'decoding, one at a time';
const decodeEight = 'decoding, eight at once';
const wholeOne = 'whole requests, one at a time';
const wholeEight = 'whole requests, eight at once';

/** The template adds eight tokens to each; characters of these words are about a token each. */
const decoding = (count: number, tokens: number): Chat[] =>
  Array.from({ length: count }, (_, at) => ({
    text: question(at, 4 + (at % 4)),
    maxTokens: tokens,
    ignoreEos: true,
  }));

const whole = (count: number): Chat[] =>
  Array.from({ length: count }, (_, at) => ({
    text: question(100 + at, 70 + ((at * 37) % 210)),
    maxTokens: 24 + ((at * 11) % 25),
    ignoreEos: true,
  }));

function toContender(
  name: string,
  shim: ShimProcess,
  chats: readonly Chat[],
  atOnce: number,
  bench: Bench,
): Contender {
  return {
    name,
    async measure() {
      const { tookMs, tokens, promptTokens } = await askAll(shim.url, chats, atOnce, bench.signal);
      return { token: tookMs / tokens, longestPrompt: Math.max(...promptTokens) };
    },
  };
}

/** Prompts are never equal, and nothing is kept of them: only the batch makes the difference. */
export const engineBatching: Scenario = {
  name: 'engine-batching',
  what: 'the ONNX engine with a 135M decoder (f32, GQA): time per generated token',
  rounds: 3,
  warmUpRounds: 0,
  units: { token: 'ms', longestPrompt: 'count' },
  targets: [
    {
      what: 'a token while decoding',
      contender: decodeEight,
      measure: 'token',
      relativeTo: decodeOne,
      atMost: 0.333,
    },
    {
      what: 'a token of whole requests',
      contender: wholeEight,
      measure: 'token',
      relativeTo: wholeOne,
      atMost: 0.435,
    },
  ],
  async open(bench: Bench): Promise<readonly Contender[]> {
    const folder = await provideBenchmarkFolder(modelCache);
    const env = { SHIM_THREADS: `${availableParallelism()}`, SHIM_PREFIX_CACHE_MIB: '0' };
    const shim = await startShim(folder, env, bench);
    const tokens = bench.isQuick ? 8 : 128;
    const requests = bench.isQuick ? 8 : 16;
    return [
      toContender(decodeOne, shim, decoding(1, tokens), 1, bench),
      toContender(decodeEight, shim, decoding(8, tokens), 8, bench),
      toContender(wholeOne, shim, whole(requests / 4), 1, bench),
      toContender(wholeEight, shim, whole(requests), 8, bench),
    ];
  },
};
