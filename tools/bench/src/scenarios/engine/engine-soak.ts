import { join } from 'node:path';
import { writeIdefics3Folder } from '@fovea/testing/idefics3-folder';
import { picturesFor } from '../../bodies/chat-body.js';
import { question } from '../../bodies/questions.js';
import { type Chat, readMetric, readStream } from '../../client/chats.js';
import { readMemory } from '../../processes/memory.js';
import { until } from '../../processes/until.js';
import type { Bench, Contender, Scenario } from '../../scenario.js';
import { startShim } from '../../systems/shim.js';

const soak = 'the engine';
const MIB = 2 ** 20;
const AT_ONCE = 12;

/** Caches are small, so that they are full before anything is measured. */
export const engineSoak: Scenario = {
  name: 'engine-soak',
  what: 'the ONNX engine with a tiny model: memory over 2,000 requests with pictures, a third of which hang up',
  rounds: 5,
  // The heap of Node grows to its size in the first thousands.
  warmUpRounds: 3,
  units: { growth: 'MiB', rss: 'MiB', left: 'count' },
  targets: [
    { what: 'growth of RSS', contender: soak, measure: 'growth', atMost: 16 },
    { what: 'sequences and tokens left behind', contender: soak, measure: 'left', atMost: 0 },
  ],
  async open(bench: Bench): Promise<readonly Contender[]> {
    const { folder } = await writeIdefics3Folder(join(bench.folder, 'tiny'));
    const env = { SHIM_PREFIX_CACHE_MIB: '4', SHIM_IMAGE_CACHE_MIB: '1', SHIM_KV_CACHE_MIB: '1' };
    const shim = await startShim(folder, env, bench);
    const [png] = picturesFor(20_000, 1, 96);
    const pictures: string[] = [];
    const chatOf = (at: number): Chat => {
      if (at % 3 === 0)
        pictures[at % 40] = `data:image/png;base64,${Buffer.concat(png!.nextBase64()).toString()}`;
      const picture = pictures[at % 40];
      return {
        text: question(at, 5 + ((at * 13) % 90)),
        maxTokens: 1 + ((at * 7) % 80),
        ...(picture !== undefined && at % 2 === 0 && { images: [picture] }),
      };
    };
    let next = 0;
    const ask = async (count: number): Promise<void> => {
      const end = next + count;
      const client = async (): Promise<void> => {
        for (let at = next++; at < end; at = next++) {
          const chunks = at % 3 === 1 ? at % 7 : Number.POSITIVE_INFINITY;
          await readStream(shim.url, chatOf(at), chunks, bench.signal);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, client));
      next = end;
    };
    const rssMib = async () => (await readMemory(shim.child.pid)).rssBytes / MIB;
    const measure = async () => {
      const before = await rssMib();
      await ask(bench.isQuick ? 40 : 2000);
      const isIdle = async () =>
        (await readMetric(shim.url, 'num_requests_running')) +
          (await readMetric(shim.url, 'num_requests_waiting')) ===
        0;
      await until('the engine to be idle', isIdle, { timeoutMs: 10_000, signal: bench.signal });
      const rss = await rssMib();
      return { growth: rss - before, rss, left: await readMetric(shim.url, 'kv_cache_usage_perc') };
    };
    return [{ name: soak, measure }];
  },
};
