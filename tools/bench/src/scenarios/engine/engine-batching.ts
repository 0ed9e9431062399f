import { availableParallelism } from 'node:os';
import { provideBenchmarkFolder } from '@fovea/testing/benchmark-folder';
import { question } from '../../bodies/questions.js';
import { askAll, type Chat, type RawPrompt } from '../../client/chats.js';
import type { Bench, Contender, Scenario } from '../../scenario.js';
import { modelCache, type ShimProcess, startShim } from '../../systems/shim.js';

const decodeOne = 'decoding, one at a time';
const decodeEight = 'decoding, eight at once';
const wholeOne = 'whole requests, one at a time';
const wholeEight = 'whole requests, eight at once';

const LONGEST_DECODING_PROMPT = 16;
/** In front of them are bytes and special tokens. */
const FIRST_WORD_ID = 300;

/** Prompts so short that nearly all of the time is decoding: 13 to 16 tokens, no two begin alike. */
const decoding = (count: number, tokens: number): RawPrompt[] =>
  Array.from({ length: count }, (_, at) => ({
    promptIds: Array.from(
      { length: LONGEST_DECODING_PROMPT - (at % 4) },
      (_id, place) => FIRST_WORD_ID + ((at * 131 + place * 37) % 1000),
    ),
    maxTokens: tokens,
    ignoreEos: true,
  }));

/** Prompts of 40 to 120 tokens, 16 of which are the template's. */
const whole = (count: number): Chat[] =>
  Array.from({ length: count }, (_, at) => ({
    text: question(100 + at, 60 + ((at * 37) % 205)),
    maxTokens: 24 + ((at * 11) % 25),
    ignoreEos: true,
  }));

function toContender(
  name: string,
  shim: ShimProcess,
  requests: readonly (Chat | RawPrompt)[],
  atOnce: number,
  bench: Bench,
): Contender {
  return {
    name,
    async measure() {
      const { tookMs, tokens, promptTokens } = await askAll(shim.url, requests, atOnce, bench.signal);
      const prompts = { shortestPrompt: Math.min(...promptTokens), longestPrompt: Math.max(...promptTokens) };
      return { token: tookMs / tokens, ...prompts };
    },
  };
}

/** Prompts are never equal, and nothing is kept of them: only the batch makes the difference. */
export const engineBatching: Scenario = {
  name: 'engine-batching',
  what: 'the ONNX engine with a 135M decoder (f32, GQA): time per generated token',
  rounds: 3,
  warmUpRounds: 0,
  units: { token: 'ms', shortestPrompt: 'count', longestPrompt: 'count' },
  targets: [
    {
      what: 'a token while decoding',
      contender: decodeEight,
      measure: 'token',
      relativeTo: decodeOne,
      atMost: 0.333,
    },
    // What it is about: it would be another measurement with longer ones.
    ...[decodeOne, decodeEight].map((contender) => ({
      what: `tokens of the longest prompt, ${contender}`,
      contender,
      measure: 'longestPrompt',
      atMost: LONGEST_DECODING_PROMPT,
    })),
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
