import { setTimeout as pause } from 'node:timers/promises';
import { imageBody, picturesFor } from '../bodies/chat-body.js';
import { requireStatus } from '../client/require-answer.js';
import { type Answer, Upload, type UploadTarget } from '../client/upload.js';
import type { Child } from '../processes/child.js';
import { Cleanup } from '../processes/cleanup.js';
import { HealthProber } from '../processes/health-prober.js';
import { readMemory, resetPeak } from '../processes/memory.js';
import type { Bench, Contender, Sample, Scenario } from '../scenario.js';
import { FoveaSystem } from '../systems/fovea.js';
import { bodySource, MIB, MODEL } from '../systems/ingest-rig.js';
import { startCountingEngine } from '../systems/plain-servers.js';
import { installPortkey, startPortkey } from '../systems/portkey.js';

const fovea = 'fovea';
const portkey = 'portkey';
const BODY_BYTES = 100_000_000;
const WARM_UP_BODIES = 5;
const SETTLE_MS = 500;

/** A front that runs, and what else works on its requests. */
interface Front {
  readonly front: Child;
  readonly behind: readonly Child[];
  readonly healthUrl: string;
  readonly chat: UploadTarget;
}

async function ask(front: Front, body: ReturnType<typeof imageBody>, signal: AbortSignal): Promise<Answer> {
  const answer = await new Upload(front.chat, body, { signal }).answer;
  requireStatus(answer, 200);
  return answer;
}

async function warmUp(front: Front, bench: Bench): Promise<void> {
  const pictures = picturesFor(256 * 1024, 1, 256);
  for (let count = 0; count < WARM_UP_BODIES; count += 1) {
    await ask(front, imageBody(MODEL, pictures), bench.signal);
  }
  await pause(SETTLE_MS, undefined, { signal: bench.signal });
}

/** Peak over idle of each process, while `run` runs. */
async function extraMemory(children: readonly Child[], run: () => Promise<void>): Promise<number[]> {
  const idle: number[] = [];
  for (const { pid } of children) {
    await resetPeak(pid);
    idle.push((await readMemory(pid)).rssBytes);
  }
  await run();
  const peaks = await Promise.all(children.map(async ({ pid }) => (await readMemory(pid)).peakBytes));
  return peaks.map((peak, index) => (peak - (idle[index] ?? 0)) / MIB);
}

async function measureFront(front: Front, body: ReturnType<typeof imageBody>, bench: Bench): Promise<Sample> {
  await warmUp(front, bench);
  const prober = await HealthProber.start(front.healthUrl, bench);
  await prober.begin();
  let wall = 0;
  const extra = await extraMemory([front.front, ...front.behind], async () => {
    wall = (await ask(front, body, bench.signal)).completeAtMs;
  });
  const { worstGapMs } = await prober.end();
  const [extraOfFront = 0] = extra;
  return { wall, extraOfFront, extraOfAll: extra.reduce((sum, mib) => sum + mib, 0), healthGap: worstGapMs };
}

/** Each measurement starts the front anew, behind it always the same engine. */
export const bigBodyPeers: Scenario = {
  name: 'big-body-peers',
  what: '100 MB body of four pictures, answered: against Portkey with the same engine',
  rounds: 5,
  warmUpRounds: 0,
  units: { wall: 'ms', extraOfFront: 'MiB', extraOfAll: 'MiB', healthGap: 'ms' },
  targets: [
    { what: 'time', contender: fovea, measure: 'wall', relativeTo: portkey, atMost: 0.25 },
    {
      what: 'memory of the front',
      contender: fovea,
      measure: 'extraOfFront',
      relativeTo: portkey,
      atMost: 0.1,
    },
    { what: 'worst health gap', contender: fovea, measure: 'healthGap', relativeTo: portkey, atMost: 0.1 },
  ],
  async open(bench: Bench): Promise<readonly Contender[]> {
    await installPortkey(bench.signal);
    const engineUrl = await startCountingEngine(MODEL, bench);
    const nextBody = bodySource(bench, BODY_BYTES, 4);
    const contender = (name: string, start: (own: Bench) => Promise<Front>): Contender => ({
      name,
      async measure() {
        const own = { ...bench, cleanup: new Cleanup() };
        try {
          return await measureFront(await start(own), nextBody(), own);
        } finally {
          await own.cleanup.run();
        }
      },
    });
    return [
      contender(fovea, async (own) => {
        const system = await FoveaSystem.start(own);
        const adapter = await system.startAdapter(MODEL, engineUrl, own);
        const { child, healthUrl, chat } = await system.startGateway({}, own);
        return { front: child, behind: [adapter.child], healthUrl, chat };
      }),
      contender(portkey, async (own) => {
        const { child, healthUrl, chat } = await startPortkey(engineUrl, own);
        return { front: child, behind: [], healthUrl, chat };
      }),
    ];
  },
};
