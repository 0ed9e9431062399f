import type { Registry } from 'prom-client';
import type { Logger } from '../log/logger.js';
import { boundedLabel, buckets, counter, gauge, histogram } from './definition.js';
import {
  createEngineGauges,
  createEngineTelemetry,
  type EngineState,
  type EngineTelemetry,
  engineMetrics,
} from './engine-metrics.js';
import type { Outcome } from './gateway-telemetry.js';
import { createImageCounts, type ImageOutcome, imageMetrics } from './image-metrics.js';
import { createRegistry } from './process-metrics.js';

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
  ...engineMetrics,
  ...imageMetrics,
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

/** What happens to jobs, in the worker-adapter's words. One method per event; each counts, rare ones also log. */
export interface AdapterTelemetry extends EngineTelemetry {
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
  /** What became of an image on its way to an engine, and what that took. */
  imagePrepared(outcome: ImageOutcome, seconds: number): void;
  controlTokensBroken(model: string, count: number): void;
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
  const engineState = createEngineGauges(registry);
  const imagePrepared = createImageCounts(registry);
  const controlTokensBroken = adapterMetrics.controlTokensBroken.register(registry);
  const waitingForPlace = adapterMetrics.waitingForPlace.register(registry);
  const label = boundedLabel();
  const health = new Map<string, boolean>();

  return {
    registry,
    ...createEngineTelemetry(registry, logger),
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
    imagePrepared,
    controlTokensBroken(model, count) {
      controlTokensBroken.inc({ model: label(model) }, count);
    },
    waitingForPlace(lane, waiting) {
      waitingForPlace.set({ lane }, waiting);
    },
  };
}
