import { provideBenchmarkFolder } from '@fovea/testing/benchmark-folder';
import { picturesFor } from '../../bodies/chat-body.js';
import { readMetric, timeToFirstToken } from '../../client/chats.js';
import type { Bench, Contender, Scenario } from '../../scenario.js';
import { modelCache, startShim } from '../../systems/shim.js';

const first = 'the first question';
const second = 'another question';

/** Each round has a picture of its own. */
export const engineSecondQuestion: Scenario = {
  name: 'engine-second-question',
  what: 'the ONNX engine of SmolVLM-256M’s sizes: time to the first token of two questions about one picture',
  rounds: 3,
  warmUpRounds: 1,
  units: { ttft: 'ms', encoded: 'count' },
  targets: [
    { what: 'time to the first token', contender: second, measure: 'ttft', relativeTo: first, atMost: 0.3 },
    { what: 'pictures decoded and encoded', contender: second, measure: 'encoded', atMost: 0 },
  ],
  async open(bench: Bench): Promise<readonly Contender[]> {
    const shim = await startShim(await provideBenchmarkFolder(modelCache), {}, bench);
    const [png] = picturesFor(400_000, 1, 512);
    let picture = '';
    const ask = async (text: string) => {
      const missed = async () =>
        (await readMetric(shim.url, 'mm_cache_queries_total')) -
        (await readMetric(shim.url, 'mm_cache_hits_total'));
      const before = await missed();
      const ttft = await timeToFirstToken(shim.url, { text, maxTokens: 4, images: [picture] }, bench.signal);
      return { ttft, encoded: (await missed()) - before };
    };
    return [
      {
        name: first,
        measure: () => {
          picture = `data:image/png;base64,${Buffer.concat(png!.nextBase64()).toString()}`;
          return ask('What is in this picture?');
        },
      },
      { name: second, measure: () => ask('Which colors does it have?') },
    ];
  },
};
