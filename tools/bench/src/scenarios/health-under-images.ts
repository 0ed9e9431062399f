import { setMaxListeners } from 'node:events';
import { textBody, wholeBody } from '../bodies/chat-body.js';
import { photos } from '../bodies/photos.js';
import { requireStatus } from '../client/require-answer.js';
import { sendInTurn } from '../client/small-requests.js';
import { Upload, type UploadTarget } from '../client/upload.js';
import { Cleanup } from '../processes/cleanup.js';
import { HealthProber } from '../processes/health-prober.js';
import type { Bench, Contender, Sample, Scenario } from '../scenario.js';
import { percentile } from '../statistics.js';
import { FoveaSystem } from '../systems/fovea.js';
import { MODEL } from '../systems/ingest-rig.js';
import { startFakeVllm } from '../systems/plain-servers.js';

const quiet = 'text alone';
const busy = 'beside 32 photos';
const PHOTOS = 32;
const WIDTH = 4_000;
const HEIGHT = 3_000;
/** A photo has about 15,000 tokens. */
const CONTEXT_TOKENS = 131_072;
const TEXT_BYTES = 1_024;
const QUIET_TEXTS = 300;
const WARM_UP_TEXTS = 100;
/** Texts between two looks whether the photos are done. */
const TEXTS_AT_ONCE = 5;

function photoBody(photo: Buffer): Buffer {
  const url = `data:image/jpeg;base64,${photo.toString('base64')}`;
  const content = [{ type: 'image_url', image_url: { url } }];
  return Buffer.from(JSON.stringify({ model: MODEL, max_tokens: 1, messages: [{ role: 'user', content }] }));
}

async function answerPhotos(
  target: UploadTarget,
  bodies: readonly Buffer[],
  signal: AbortSignal,
): Promise<void> {
  const uploads = bodies.map((body) => new Upload(target, wholeBody(body), { signal }));
  for (const upload of uploads) requireStatus(await upload.answer, 200);
}

/** Asks gateway and adapter for their health while `load` runs; it resolves with the times of text requests. */
async function measureHealth(
  urls: { readonly gateway: string; readonly adapter: string },
  load: () => Promise<readonly number[]>,
  bench: Bench,
): Promise<Sample> {
  const cleanup = new Cleanup();
  try {
    const own = { ...bench, cleanup };
    const gateway = await HealthProber.start(urls.gateway, own);
    const adapter = await HealthProber.start(urls.adapter, own);
    await Promise.all([gateway.begin(), adapter.begin()]);
    const startedAtMs = performance.now();
    const times = await load();
    const wall = performance.now() - startedAtMs;
    const [ofGateway, ofAdapter] = await Promise.all([gateway.end(), adapter.end()]);
    return {
      gatewayP99: ofGateway.p99Ms,
      gatewayGap: ofGateway.worstGapMs,
      adapterP99: ofAdapter.p99Ms,
      adapterGap: ofAdapter.worstGapMs,
      proberDelay: Math.max(ofGateway.ownWorstDelayMs, ofAdapter.ownWorstDelayMs),
      textP50: percentile(times, 0.5),
      textP99: percentile(times, 0.99),
      texts: times.length,
      wall,
    };
  } finally {
    await cleanup.run();
  }
}

/** Every photo has to be decoded, turned and encoded anew by the adapter; the next round's are others. */
export const healthUnderImages: Scenario = {
  name: 'health-under-images',
  what: '32 photos of 12 megapixels at once and text requests one by one: how soon health routes answer meanwhile',
  rounds: 3,
  warmUpRounds: 0,
  units: {
    gatewayP99: 'ms',
    gatewayGap: 'ms',
    adapterP99: 'ms',
    adapterGap: 'ms',
    proberDelay: 'ms',
    textP50: 'ms',
    textP99: 'ms',
    texts: 'count',
    wall: 'ms',
  },
  targets: [
    { what: 'health of the gateway, p99', contender: busy, measure: 'gatewayP99', atMost: 100 },
    { what: 'health of the adapter, p99', contender: busy, measure: 'adapterP99', atMost: 100 },
  ],
  async open(bench: Bench): Promise<readonly Contender[]> {
    const { isQuick, signal } = bench;
    setMaxListeners(2 * PHOTOS, signal);
    const system = await FoveaSystem.start(bench);
    const engineUrl = await startFakeVllm(MODEL, bench, ['--max-model-len', `${CONTEXT_TOKENS}`]);
    const adapter = await system.startAdapter(MODEL, engineUrl, bench);
    const { chat, healthUrl } = await system.startGateway({}, bench);
    const urls = { gateway: healthUrl, adapter: adapter.healthUrl };
    const text = textBody(MODEL, TEXT_BYTES);
    await sendInTurn(chat, text, WARM_UP_TEXTS, signal);
    const size = isQuick ? { width: WIDTH / 10, height: HEIGHT / 10 } : { width: WIDTH, height: HEIGHT };
    const runQuiet = (): Promise<number[]> => sendInTurn(chat, text, isQuick ? 20 : QUIET_TEXTS, signal);
    const runBusy = async (bodies: readonly Buffer[]): Promise<number[]> => {
      let isDone = false;
      const answered = answerPhotos(chat, bodies, signal).finally(() => {
        isDone = true;
      });
      const times: number[] = [];
      do times.push(...(await sendInTurn(chat, text, TEXTS_AT_ONCE, signal)));
      while (!isDone);
      await answered;
      return times;
    };
    return [
      { name: quiet, measure: () => measureHealth(urls, runQuiet, bench) },
      {
        name: busy,
        async measure() {
          const bodies = (await photos(PHOTOS, size.width, size.height)).map(photoBody);
          const sample = await measureHealth(urls, () => runBusy(bodies), bench);
          await system.untilIdle();
          return sample;
        },
      },
    ];
  },
};
