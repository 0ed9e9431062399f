import type { Registry } from 'prom-client';
import type { Logger } from '../log/logger.js';
import { gauge } from './definition.js';

const states = ['open', 'paused', 'draining', 'closed'] as const;

/** What all gateways tell alike of the lanes and the models behind them. */
export const queueMetrics = {
  jobsWaiting: gauge(
    'fovea_queue_jobs_waiting',
    ['checkpoint', 'lane', 'model'],
    'Jobs in a lane that no worker has taken; the same from each gateway.',
  ),
  tokensWaiting: gauge(
    'fovea_queue_tokens_waiting',
    ['checkpoint', 'lane', 'model'],
    'Work of those jobs in tokens: their prompts as estimated and the answers to expect; the same from each gateway.',
  ),
  jobsRunning: gauge(
    'fovea_queue_jobs_running',
    ['checkpoint', 'lane'],
    'Jobs of a lane that workers have taken; the same from each gateway.',
  ),
  oldestWait: gauge(
    'fovea_queue_oldest_wait_seconds',
    ['checkpoint', 'lane'],
    'How long the oldest waiting job of a lane has waited, 0 when none does; the same from each gateway.',
  ),
  state: gauge(
    'fovea_queue_state',
    ['checkpoint', 'lane', 'state'],
    '1 for what an operator has decided about a lane: `open`, `paused`, `draining` or `closed`; the same from each gateway.',
  ),
  modelAvailable: gauge(
    'fovea_model_available',
    ['checkpoint', 'model'],
    '1 while a worker serves a registered model, 0 while none does; the same from each gateway.',
  ),
} as const;

export interface LaneLoad {
  readonly checkpoint: string;
  readonly lane: string;
  readonly running: number;
  readonly oldestWaitS: number;
  readonly state: (typeof states)[number];
  /** With zeros for models of which nothing waits, so that a query has an answer. */
  readonly waiting: readonly { readonly model: string; readonly jobs: number; readonly tokens: number }[];
}

/** The lanes of all registered checkpoints, and their models. */
export interface QueueLoad {
  readonly lanes: readonly LaneLoad[];
  readonly models: readonly {
    readonly checkpoint: string;
    readonly model: string;
    readonly isAvailable: boolean;
  }[];
}

const READ_MS = 2_000;

/**
 * Registers the gauges of the lanes; `read` is asked once whenever somebody reads the registry. While it fails, or takes longer
 * than `READ_MS`, they are absent: an old value would look like a true one, and the other metrics must not wait.
 */
export function registerQueueGauges(
  registry: Registry,
  read: () => Promise<QueueLoad>,
  logger: Pick<Logger, 'warn'>,
): void {
  let reading: Promise<void> | undefined;
  const collect = (): Promise<void> => {
    reading ??= inTime(read())
      .then(
        (load) => set(load),
        (error: unknown) => {
          clear();
          logger.warn({ err: error }, 'could not read the lanes for their metrics');
        },
      )
      .finally(() => {
        reading = undefined;
      });
    return reading;
  };
  const jobsWaiting = queueMetrics.jobsWaiting.register(registry, collect);
  const tokensWaiting = queueMetrics.tokensWaiting.register(registry, collect);
  const jobsRunning = queueMetrics.jobsRunning.register(registry, collect);
  const oldestWait = queueMetrics.oldestWait.register(registry, collect);
  const state = queueMetrics.state.register(registry, collect);
  const modelAvailable = queueMetrics.modelAvailable.register(registry, collect);
  const gauges = [jobsWaiting, tokensWaiting, jobsRunning, oldestWait, state, modelAvailable];
  const clear = (): void => {
    for (const each of gauges) each.reset();
  };
  const set = ({ lanes, models }: QueueLoad): void => {
    clear();
    for (const { checkpoint, lane, waiting, ...load } of lanes) {
      for (const { model, jobs, tokens } of waiting) {
        jobsWaiting.set({ checkpoint, lane, model }, jobs);
        tokensWaiting.set({ checkpoint, lane, model }, tokens);
      }
      jobsRunning.set({ checkpoint, lane }, load.running);
      oldestWait.set({ checkpoint, lane }, load.oldestWaitS);
      for (const each of states) state.set({ checkpoint, lane, state: each }, each === load.state ? 1 : 0);
    }
    for (const { checkpoint, model, isAvailable } of models)
      modelAvailable.set({ checkpoint, model }, isAvailable ? 1 : 0);
  };
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${READ_MS} ms`)), READ_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
