import { describe, expect, it } from '@jest/globals';
import { createRegistry } from './process-metrics.js';

describe('the registry of a process', () => {
  it('shows how late the event loop is, all the time that it is blocked', async () => {
    const registry = createRegistry('test');
    const inBucket = async (bound: string): Promise<number> => {
      const line = `fovea_event_loop_delay_seconds_bucket{le="${bound}",service="test"}`;
      const text = await registry.metrics();
      return Number(
        text
          .split('\n')
          .find((each) => each.startsWith(line))
          ?.slice(line.length) ?? 0,
      );
    };
    while ((await inBucket('+Inf')) === 0) await new Promise(setImmediate);
    const blockedFromMs = performance.now();
    while (performance.now() - blockedFromMs < 300);
    while ((await inBucket('+Inf')) - (await inBucket('0.1')) === 0) await new Promise(setImmediate);
    // What was due 100 ms to 280 ms before the end of the block, one each 20 ms.
    expect((await inBucket('+Inf')) - (await inBucket('0.1'))).toBeGreaterThanOrEqual(8);
  });
});
