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

const chats = (count: number): Chat[] =>
  Array.from({ length: count }, (_, at) => ({
    text: question(at, 20 + ((at * 37) % 210)),
    maxTokens: 24 + ((at * 11) % 25),
  }));

/** Both answer the same questions by the same files; another answer ends the scenario as failed. */
function peerScenario(
  name: string,
  model: string,
  atMost: number,
  rounds: number,
  provide: (bench: Bench) => Promise<string>,
): Scenario {
  return {
    name,
    what: `60 requests to ${model}: the ONNX engine over HTTP, and transformers.js in its own process`,
    rounds,
    warmUpRounds: 0,
    units: { took: 'ms', tokens: 'count' },
    targets: [{ what: '60 requests', contender: fovea, measure: 'took', relativeTo: peer, atMost }],
    async open(bench: Bench): Promise<readonly Contender[]> {
      const folder = await provide(bench);
      const other = await TransformersJs.start(folder, bench);
      const env = {
        SHIM_THREADS: `${availableParallelism()}`,
        SHIM_MAX_NUM_SEQS: '32',
        SHIM_PREFIX_CACHE_MIB: '0',
      };
      const shim = await startShim(folder, env, bench);
      const requests = chats(bench.isQuick ? 8 : 60);
      let expected: readonly (readonly number[])[] | undefined;
      const check = (tookMs: number, tokenIds: readonly (readonly number[])[]) => {
        expected ??= tokenIds;
        if (!isDeepStrictEqual(tokenIds, expected)) throw new Error('the two gave different tokens');
        return { took: tookMs, tokens: tokenIds.flat().length };
      };
      return [
        {
          name: peer,
          measure: async () => {
            const { tookMs, tokenIds } = await other.askAll(requests);
            return check(tookMs, tokenIds);
          },
        },
        {
          name: fovea,
          measure: async () => {
            const { tookMs, tokenIds } = await askAll(shim.url, requests, requests.length, bench.signal);
            return check(tookMs, tokenIds);
          },
        },
      ];
    },
  };
}

export const engineSmallPeer = peerScenario('engine-5m-peer', 'a model of 5M', 0.2, 5, async (bench) => {
  const { folder } = await writeIdefics3Folder(join(bench.folder, 'tiny'), { decoder: smallDecoder });
  return folder;
});

export const engineLargePeer = peerScenario('engine-135m-peer', 'a 135M model', 0.435, 1, () =>
  provideBenchmarkFolder(modelCache),
);
