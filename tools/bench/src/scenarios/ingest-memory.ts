import { setTimeout as pause } from 'node:timers/promises';
import { readMemory, resetPeak } from '../processes/memory.js';
import type { Bench, Contender, Scenario } from '../scenario.js';
import { bodySource, IngestRig, MIB } from '../systems/ingest-rig.js';

const one = 'fovea, one body';
const eight = 'fovea, eight at once';
/** A moment of rest, so that what the warm-up left is what an idle gateway holds. */
const SETTLE_MS = 500;

/** Each measurement has a gateway of its own: a process that once grew would hide its growth from the next round. */
export const ingestMemory: Scenario = {
  name: 'ingest-memory',
  what: '128 MiB bodies of eight pictures: peak memory of the gateway over idle',
  rounds: 5,
  warmUpRounds: 0,
  units: { extra: 'MiB', idle: 'MiB', wall: 'ms' },
  targets: [
    { what: 'peak extra RSS, one body', contender: one, measure: 'extra', atMost: 32 },
    { what: 'peak extra RSS, eight at once', contender: eight, measure: 'extra', atMost: 128 },
  ],
  async open(bench: Bench): Promise<readonly Contender[]> {
    const nextBody = bodySource(bench, 128 * MIB, 8);
    const rig = await IngestRig.open(bench);
    const contender = (name: string, bodies: number): Contender => ({
      name,
      measure: () =>
        rig.withFreshGateway({}, async (gateway) => {
          const { pid } = gateway.child;
          await pause(SETTLE_MS, undefined, { signal: bench.signal });
          await resetPeak(pid);
          const { rssBytes } = await readMemory(pid);
          const { storedMs } = await rig.store(gateway, Array.from({ length: bodies }, nextBody));
          const { peakBytes } = await readMemory(pid);
          return { extra: (peakBytes - rssBytes) / MIB, idle: rssBytes / MIB, wall: storedMs };
        }),
    });
    return [contender(one, 1), contender(eight, 8)];
  },
};
