import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { provideBenchmarkFolder } from '@fovea/testing/benchmark-folder';
import { type DecoderSizes, writeIdefics3Folder } from '@fovea/testing/idefics3-folder';
import { question } from '../../bodies/questions.js';
import { askAll, type Chat } from '../../client/chats.js';
import type { Bench, Contender, Scenario } from '../../scenario.js';
import { modelCache, startShim } from '../../systems/shim.js';
import { TransformersJs } from '../../systems/transformers-js.js';

const fovea = 'fovea, all at once';
const peer = 'transformers.js, one by one';
const shortSuffix = ', short prompts';

/** Five million parameters: the time goes into calls as much as into numbers. */
const smallDecoder: DecoderSizes = {
  hiddenSize: 256,
  layers: 4,
  heads: 8,
  kvHeads: 4,
  headSize: 32,
  intermediateSize: 768,
  vocabularySize: 8192,
  contextTokens: 1024,
};

/** Answers of 24 to 48 tokens. Five characters of these words are about two tokens; the template adds some. */
const chats = (count: number, characters: (at: number) => number): Chat[] =>
  Array.from({ length: count }, (_, at) => ({
    text: question(at, characters(at)),
    maxTokens: 24 + ((at * 11) % 25),
  }));

/** Prompts of 40 to 120 tokens, and of some 20. */
const workloads = {
  '': (count: number) => chats(count, (at) => 80 + ((at * 37) % 168)),
  [shortSuffix]: (count: number) => chats(count, (at) => 1 + ((at * 37) % 20)),
};

interface PeerScenario {
  readonly name: string;
  readonly model: string;
  readonly atMost: number;
  readonly rounds: number;
  /** Names of workloads. */
  readonly measured: readonly (keyof typeof workloads)[];
  /** Variables of the engine. */
  readonly env: Readonly<Record<string, string>>;
  provide(bench: Bench): Promise<string>;
}

/** Both answer the same questions; another answer ends the scenario as failed. */
function createContenders(
  suffix: string,
  requests: readonly Chat[],
  other: TransformersJs,
  url: string,
  signal: AbortSignal,
): Contender[] {
  let expected: readonly (readonly number[])[] | undefined;
  const check = (tookMs: number, tokenIds: readonly (readonly number[])[]) => {
    expected ??= tokenIds;
    if (!isDeepStrictEqual(tokenIds, expected)) throw new Error('the two gave different tokens');
    return { took: tookMs, tokens: tokenIds.flat().length };
  };
  return [
    {
      name: peer + suffix,
      measure: async () => {
        const { tookMs, tokenIds } = await other.askAll(requests);
        return check(tookMs, tokenIds);
      },
    },
    {
      name: fovea + suffix,
      measure: async () => {
        const { tookMs, tokenIds, promptTokens } = await askAll(url, requests, requests.length, signal);
        const prompts = { shortest: Math.min(...promptTokens), longest: Math.max(...promptTokens) };
        return { ...check(tookMs, tokenIds), ...prompts };
      },
    },
  ];
}

function peerScenario({ name, model, atMost, rounds, measured, env, provide }: PeerScenario): Scenario {
  return {
    name,
    what: `60 requests to ${model}: the ONNX engine over HTTP, and transformers.js in its own process`,
    rounds,
    // Both compile their hot paths in the first rounds; the large model spends its time elsewhere.
    warmUpRounds: rounds > 1 ? 2 : 0,
    units: { took: 'ms', tokens: 'count', shortest: 'count', longest: 'count' },
    targets: [{ what: '60 requests', contender: fovea, measure: 'took', relativeTo: peer, atMost }],
    async open(bench: Bench): Promise<readonly Contender[]> {
      const folder = await provide(bench);
      const other = await TransformersJs.start(folder, bench);
      const shim = await startShim(
        folder,
        { SHIM_MAX_NUM_SEQS: '32', SHIM_PREFIX_CACHE_MIB: '0', ...env },
        bench,
      );
      return measured.flatMap((suffix) => {
        const requests = workloads[suffix]!(bench.isQuick ? 8 : 60);
        return createContenders(suffix, requests, other, shim.url, bench.signal);
      });
    },
  };
}

/** One thread: the operators of so small a model are too short to be shared out. */
export const engineSmallPeer = peerScenario({
  name: 'engine-5m-peer',
  model: 'a model of 5M',
  atMost: 0.2,
  rounds: 5,
  measured: ['', shortSuffix],
  env: { SHIM_THREADS: '1' },
  provide: async (bench) => {
    const { folder } = await writeIdefics3Folder(join(bench.folder, 'tiny'), { decoder: smallDecoder });
    return folder;
  },
});

export const engineLargePeer = peerScenario({
  name: 'engine-135m-peer',
  model: 'a 135M model',
  atMost: 0.435,
  rounds: 1,
  measured: [''],
  env: { SHIM_THREADS: `${availableParallelism()}` },
  provide: () => provideBenchmarkFolder(modelCache),
});
