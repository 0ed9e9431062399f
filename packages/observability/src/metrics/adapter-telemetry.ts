import type { Gauge, Registry } from 'prom-client';
import type { Logger } from '../log/logger.js';
import { boundedLabel, buckets, counter, createRegistry, gauge, histogram } from './definition.js';
import type { Outcome } from './gateway-telemetry.js';

export const adapterMetrics = {
  jobsTaken: counter(
    'fovea_jobs_taken_total',
    ['model', 'lane'],
    'Jobs taken from the queue, later attempts included.',
  ),
  queueTime: histogram(
    'fovea_request_queue_time_seconds',
    ['model', 'lane'],
    buckets.requestLatency,
    'Waiting time of a job before a worker took it.',
  ),
  generations: counter(
    'fovea_generations_total',
    ['model', 'lane', 'outcome'],
    'Finished generations; outcome is `ok` or an error code.',
  ),
  inferenceTime: histogram(
    'fovea_request_inference_time_seconds',
    ['model', 'lane'],
    buckets.requestLatency,
    'From taking a job to the end of its generation.',
  ),
  engineTimeToFirstToken: histogram(
    'fovea_engine_time_to_first_token_seconds',
    ['model'],
    buckets.timeToFirstToken,
    "From the engine's request to its first token.",
  ),
  interTokenLatency: histogram(
    'fovea_inter_token_latency_seconds',
    ['model'],
    buckets.interTokenLatency,
    'Gap between successive tokens of a generation.',
  ),
  promptTokens: counter('fovea_prompt_tokens_total', ['model'], 'Prompt tokens, as the engine counts them.'),
  generationTokens: counter(
    'fovea_generation_tokens_total',
    ['model'],
    'Generated tokens, as the engine counts them.',
  ),
  images: counter('fovea_generation_images_total', ['model'], 'Images given to the engine.'),
  leasesLost: counter('fovea_leases_lost_total', ['lane'], 'Locks lost to a stalled event loop or to Redis.'),
  engineHealthy: gauge('fovea_engine_healthy', ['engine'], '1 while the engine answers its health check.'),
  engineRefusals: counter('fovea_engine_refusals_total', ['engine'], 'Jobs an engine had no room for (503).'),
  slotsInUse: gauge('fovea_slots_in_use', ['engine', 'lane'], 'Slots of an engine that run a job.'),
  slotsEffective: gauge(
    'fovea_slots_effective',
    ['engine', 'lane'],
    'Slots that may be used now: fewer than there are after the engine refused jobs.',
  ),
  slots: gauge('fovea_slots', ['engine', 'lane'], 'Slots of an engine.'),
  engineTokensInUse: gauge(
    'fovea_engine_tokens_in_use',
    ['engine'],
    'Most tokens that the jobs on an engine may keep in its cache.',
  ),
  engineTokenBudget: gauge('fovea_engine_token_budget', ['engine'], 'Bound on `fovea_engine_tokens_in_use`.'),
  engineBrake: gauge(
    'fovea_engine_brake',
    ['engine', 'reason'],
    '1 while an engine gets no new jobs; reason is `load` (by its own figures) or `refusal` (it just refused one).',
  ),
  engineRunning: gauge(
    'fovea_engine_requests_running',
    ['engine'],
    'Requests in the batch of an engine, as it says; absent while nobody asks.',
  ),
  engineWaiting: gauge(
    'fovea_engine_requests_waiting',
    ['engine'],
    'Requests that wait in an engine, as it says; absent while nobody asks.',
  ),
  engineCacheUsage: gauge(
    'fovea_engine_kv_cache_usage_ratio',
    ['engine'],
    'Part of the KV cache of an engine that is taken, as it says; absent while nobody asks.',
  ),
  waitingForPlace: gauge(
    'fovea_jobs_waiting_for_place',
    ['lane'],
    'Jobs that were taken and have no place on an engine yet.',
  ),
} as const;

interface JobEvent {
  readonly requestId: string;
  readonly model: string;
  readonly lane: string;
}

export interface JobTaken extends JobEvent {
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly queueTimeS: number;
}

export interface GenerationFinished extends JobEvent {
  readonly outcome: Outcome;
  readonly durationS: number;
  /** Absent when the engine gave no token. */
  readonly ttftS?: number | undefined;
  readonly promptTokens?: number | undefined;
  readonly completionTokens?: number | undefined;
  readonly images?: number | undefined;
}

/** How much an engine is given, and what it says of itself. */
export interface EngineState {
  readonly engine: string;
  readonly lanes: readonly {
    readonly lane: string;
    readonly inUse: number;
    readonly effective: number;
    readonly total: number;
  }[];
  readonly tokensInUse: number;
  /** Infinite while it is not known. */
  readonly tokenBudget: number;
  readonly brake: { readonly load: boolean; readonly refusal: boolean };
  /** What it says of its load; undefined while nobody asks. */
  readonly load?:
    | {
        readonly running?: number;
        readonly waiting?: number;
        readonly kvCacheUsage?: number;
      }
    | undefined;
}

/** What happens to jobs, in the worker-adapter's words. One method per event; each counts, rare ones also log. */
export interface AdapterTelemetry {
  readonly registry: Registry;
  jobTaken(event: JobTaken): void;
  /** One gap between two tokens of one choice. */
  tokenGap(event: { readonly model: string; readonly gapS: number }): void;
  generationFinished(event: GenerationFinished): void;
  leaseLost(event: JobEvent): void;
  /** `engine` is the index of the engine in the worker file: addresses are not for metrics. Logs changes only. */
  engineHealth(engine: string, isHealthy: boolean): void;
  /** An engine had no room for a job. */
  engineRefused(event: JobEvent & { readonly engine: string }): void;
  /** To be told after each change. */
  engineState(state: EngineState): void;
  /** How many jobs of a lane were taken and have no place yet. */
  waitingForPlace(lane: string, waiting: number): void;
}

/** One per process. */
export function createAdapterTelemetry(
  logger: Logger,
  registry: Registry = createRegistry('worker-adapter'),
): AdapterTelemetry {
  const jobsTaken = adapterMetrics.jobsTaken.register(registry);
  const queueTime = adapterMetrics.queueTime.register(registry);
  const generations = adapterMetrics.generations.register(registry);
  const inferenceTime = adapterMetrics.inferenceTime.register(registry);
  const engineTimeToFirstToken = adapterMetrics.engineTimeToFirstToken.register(registry);
  const interTokenLatency = adapterMetrics.interTokenLatency.register(registry);
  const promptTokens = adapterMetrics.promptTokens.register(registry);
  const generationTokens = adapterMetrics.generationTokens.register(registry);
  const images = adapterMetrics.images.register(registry);
  const leasesLost = adapterMetrics.leasesLost.register(registry);
  const engineHealthy = adapterMetrics.engineHealthy.register(registry);
  const engineRefusals = adapterMetrics.engineRefusals.register(registry);
  const engineState = createEngineState(registry);
  const waitingForPlace = adapterMetrics.waitingForPlace.register(registry);
  const label = boundedLabel();
  const health = new Map<string, boolean>();

  return {
    registry,
    jobTaken(event) {
      const labels = { model: label(event.model), lane: event.lane };
      jobsTaken.inc(labels);
      queueTime.observe(labels, event.queueTimeS);
      logger.debug(event, 'job taken');
    },
    tokenGap({ model, gapS }) {
      interTokenLatency.observe({ model: label(model) }, gapS);
    },
    generationFinished(event) {
      const model = label(event.model);
      generations.inc({ model, lane: event.lane, outcome: event.outcome });
      inferenceTime.observe({ model, lane: event.lane }, event.durationS);
      if (event.ttftS !== undefined) engineTimeToFirstToken.observe({ model }, event.ttftS);
      promptTokens.inc({ model }, event.promptTokens ?? 0);
      generationTokens.inc({ model }, event.completionTokens ?? 0);
      images.inc({ model }, event.images ?? 0);
      logger.info(event, 'generation finished');
    },
    leaseLost(event) {
      leasesLost.inc({ lane: event.lane });
      logger.warn(event, 'lease lost');
    },
    engineHealth(engine, isHealthy) {
      engineHealthy.set({ engine }, isHealthy ? 1 : 0);
      if (health.get(engine) === isHealthy) return;
      health.set(engine, isHealthy);
      if (isHealthy) logger.info({ engine }, 'engine is healthy');
      else logger.warn({ engine }, 'engine is not healthy');
    },
    engineRefused(event) {
      engineRefusals.inc({ engine: event.engine });
      logger.debug(event, 'engine had no room');
    },
    engineState,
    waitingForPlace(lane, waiting) {
      waitingForPlace.set({ lane }, waiting);
    },
  };
}

/** Sets the gauges of an engine. */
function createEngineState(registry: Registry): AdapterTelemetry['engineState'] {
  const slotsInUse = adapterMetrics.slotsInUse.register(registry);
  const slotsEffective = adapterMetrics.slotsEffective.register(registry);
  const slots = adapterMetrics.slots.register(registry);
  const tokensInUse = adapterMetrics.engineTokensInUse.register(registry);
  const tokenBudget = adapterMetrics.engineTokenBudget.register(registry);
  const brake = adapterMetrics.engineBrake.register(registry);
  const running = adapterMetrics.engineRunning.register(registry);
  const waiting = adapterMetrics.engineWaiting.register(registry);
  const cacheUsage = adapterMetrics.engineCacheUsage.register(registry);
  const setOrRemove = (metric: Gauge<'engine'>, engine: string, value: number | undefined): void => {
    if (value === undefined) metric.remove({ engine });
    else metric.set({ engine }, value);
  };
  return ({ engine, lanes, load, ...state }) => {
    for (const { lane, inUse, effective, total } of lanes) {
      slotsInUse.set({ engine, lane }, inUse);
      slotsEffective.set({ engine, lane }, effective);
      slots.set({ engine, lane }, total);
    }
    tokensInUse.set({ engine }, state.tokensInUse);
    setOrRemove(tokenBudget, engine, Number.isFinite(state.tokenBudget) ? state.tokenBudget : undefined);
    brake.set({ engine, reason: 'load' }, state.brake.load ? 1 : 0);
    brake.set({ engine, reason: 'refusal' }, state.brake.refusal ? 1 : 0);
    setOrRemove(running, engine, load?.running);
    setOrRemove(waiting, engine, load?.waiting);
    setOrRemove(cacheUsage, engine, load?.kvCacheUsage);
  };
}
