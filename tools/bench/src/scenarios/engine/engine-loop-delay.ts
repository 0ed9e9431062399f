import { provideBenchmarkFolder } from '@fovea/testing/benchmark-folder';
import { picturesFor } from '../../bodies/chat-body.js';
import { question } from '../../bodies/questions.js';
import { askAll, type Chat } from '../../client/chats.js';
import { readLoopDelay, resetLoopDelay } from '../../processes/loop-delay.js';
import type { Bench, Contender, Scenario } from '../../scenario.js';
import { modelCache, startShim } from '../../systems/shim.js';

const busy = 'eight answers and a picture';

/** Of requests with a picture, in turns: the larger one has 10 MB, whose base64 alone would hold the loop for 50 ms. */
const pictureBodyBytes = [14_000_000, 400_000];

/** The loop that answers HTTP, while the decoder runs a batch of eight and the vision encoder a picture after the other. */
export const engineLoopDelay: Scenario = {
  name: 'engine-loop-delay',
  what: 'the ONNX engine of SmolVLM-256M’s sizes: event-loop delay at batch 8 while pictures, every other one of 10 MB, are encoded',
  rounds: 3,
  warmUpRounds: 1,
  units: { p50: 'ms', p99: 'ms', worst: 'ms', pictures: 'count' },
  targets: [{ what: 'event-loop delay p99', contender: busy, measure: 'p99', atMost: 15 }],
  async open(bench: Bench): Promise<readonly Contender[]> {
    const shim = await startShim(await provideBenchmarkFolder(modelCache), { SHIM_MAX_NUM_SEQS: '9' }, bench);
    const maxTokens = bench.isQuick ? 8 : 96;
    const answers: Chat[] = Array.from({ length: 8 }, (_, at) => ({
      text: question(at, 30),
      maxTokens,
      ignoreEos: true,
    }));
    const measure = async () => {
      const pngs = pictureBodyBytes.flatMap((bytes) => picturesFor(bytes, 1, bytes > 1e6 ? 2048 : 512));
      await resetLoopDelay(shim.child);
      let isDecoding = true;
      let pictures = 0;
      const encode = async (): Promise<void> => {
        while (isDecoding) {
          const png = pngs[pictures % pngs.length]!;
          const data = Buffer.concat(png.nextBase64()).toString();
          const chat = { text: 'What?', maxTokens: 1, images: [`data:image/png;base64,${data}`] };
          await askAll(shim.url, [chat], 1, bench.signal);
          pictures += 1;
        }
      };
      const decode = askAll(shim.url, answers, 8, bench.signal).finally(() => {
        isDecoding = false;
      });
      await Promise.all([decode, encode()]);
      const delay = await readLoopDelay(shim.child);
      return { p50: delay.p50Ms, p99: delay.p99Ms, worst: delay.worstMs, pictures };
    };
    return [{ name: busy, measure }];
  },
};
