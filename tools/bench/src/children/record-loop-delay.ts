import { monitorEventLoopDelay } from 'node:perf_hooks';

/**
 * Preload: records the event-loop delay of the program it is loaded into and answers the parent's `reset` and `read`.
 * The histogram holds the time from one tick of a 1 ms timer to the next, so 1 ms is taken off every value.
 */
const RESOLUTION_MS = 1;
const NS_PER_MS = 1e6;

const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
histogram.enable();

const delayMs = (nanoseconds: number): number => Math.max(0, nanoseconds / NS_PER_MS - RESOLUTION_MS);

process.on('message', (message) => {
  if (message === 'reset') {
    histogram.reset();
    process.send?.('reset');
  }
  if (message !== 'read') return;
  process.send?.({
    p50Ms: delayMs(histogram.percentile(50)),
    p99Ms: delayMs(histogram.percentile(99)),
    p999Ms: delayMs(histogram.percentile(99.9)),
    worstMs: delayMs(histogram.max),
    samples: histogram.count,
  });
});
// The program ends when it wants to, not when the parent hangs up.
process.channel?.unref();
