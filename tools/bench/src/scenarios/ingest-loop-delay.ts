import type { Child } from '../processes/child.js';
import { Cleanup } from '../processes/cleanup.js';
import { HealthProber } from '../processes/health-prober.js';
import { loopDelayRecorder, readLoopDelay, resetLoopDelay } from '../processes/loop-delay.js';
import type { Bench, Contender, Sample, Scenario } from '../scenario.js';
import { bodySource, IngestRig, MIB } from '../systems/ingest-rig.js';

const one = 'fovea, one body';
const eight = 'fovea, eight at once';

const targetsOf = (contender: string, what: string): Scenario['targets'] => [
  { what: `event-loop delay p99.9, ${what}`, contender, measure: 'p999', atMost: 20 },
  { what: `event-loop delay worst, ${what}`, contender, measure: 'worst', atMost: 40 },
];

async function readDelays(child: Child, prober: HealthProber): Promise<Sample> {
  const delay = await readLoopDelay(child);
  const health = await prober.end();
  return {
    p50: delay.p50Ms,
    p999: delay.p999Ms,
    worst: delay.worstMs,
    healthGap: health.worstGapMs,
    proberDelay: health.ownWorstDelayMs,
  };
}

/** The delay is recorded inside the gateway; the health route is asked from outside at the same time. */
export const ingestLoopDelay: Scenario = {
  name: 'ingest-loop-delay',
  what: '128 MiB bodies of eight pictures: how long the event loop of the gateway stands still meanwhile',
  rounds: 5,
  warmUpRounds: 0,
  units: { p50: 'ms', p999: 'ms', worst: 'ms', healthGap: 'ms', proberDelay: 'ms' },
  targets: [...targetsOf(one, 'one body'), ...targetsOf(eight, 'eight at once')],
  async open(bench: Bench): Promise<readonly Contender[]> {
    const nextBody = bodySource(bench, 128 * MIB, 8);
    const rig = await IngestRig.open(bench);
    const preloads = [loopDelayRecorder];
    const contender = (name: string, bodies: number): Contender => ({
      name,
      measure: () =>
        rig.withFreshGateway({ preloads, hasChannel: true }, async (gateway) => {
          const cleanup = new Cleanup();
          try {
            const prober = await HealthProber.start(gateway.healthUrl, { ...bench, cleanup });
            await prober.begin();
            await resetLoopDelay(gateway.child);
            let sample: Sample = {};
            await rig.store(gateway, Array.from({ length: bodies }, nextBody), async () => {
              sample = await readDelays(gateway.child, prober);
            });
            return sample;
          } finally {
            await cleanup.run();
          }
        }),
    });
    return [contender(one, 1), contender(eight, 8)];
  },
};
