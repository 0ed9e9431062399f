import { collectDefaultMetrics, Registry } from 'prom-client';
import { histogram } from './definition.js';

const DELAY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What every process tells of itself, besides Node's own metrics. */
export const processMetrics = {
  eventLoopDelay: histogram(
    'fovea_event_loop_delay_seconds',
    [],
    DELAY_BUCKETS,
    'How late what was due on the main thread came to run; something is due each 20 ms, also while the thread is busy.',
  ),
} as const;

const EVENT_LOOP_RESOLUTION_MS = 10;
const TICK_MS = 20;
/** Of one long block; after a machine's sleep there would be very many. */
const MOST_MISSED_TICKS = 500;

/**
 * The registry of one process, with Node's own metrics under the label `service`.
 *
 * Node's `nodejs_eventloop_lag_…` count their own period of 10 ms as delay and begin anew at each reading, so they cannot be
 * summed over processes or windows; hence the histogram beside them.
 */
export function createRegistry(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_RESOLUTION_MS });
  const delay = processMetrics.eventLoopDelay.register(registry);
  let dueAtMs = performance.now() + TICK_MS;
  setInterval(() => {
    const nowMs = performance.now();
    const lateMs = Math.max(0, nowMs - dueAtMs);
    // A blocked thread has missed ticks; left out, a second of it would be one value among fifty good ones.
    const missed = Math.min(Math.floor(lateMs / TICK_MS), MOST_MISSED_TICKS);
    for (let index = 0; index <= missed; index += 1) delay.observe((lateMs - index * TICK_MS) / 1_000);
    dueAtMs = nowMs + TICK_MS;
  }, TICK_MS).unref();
  return registry;
}
