import type { Gauge, Registry } from 'prom-client';
import type { Logger } from '../log/logger.js';
import { counter, gauge } from './definition.js';

/** What a worker-adapter tells of its engines. */
export const engineMetrics = {
  engineHealthy: gauge('fovea_engine_healthy', ['engine'], '1 while the engine answers its health check.'),
  engineRefusals: counter('fovea_engine_refusals_total', ['engine'], 'Jobs an engine had no room for (503).'),
  engineCondition: gauge(
    'fovea_engine_condition',
    ['engine', 'condition'],
    '1 for how an engine is now: `fit`, `unhealthy`, `dead`, `stalled`, `breaker-open` or `breaker-half-open`.',
  ),
  engineStalls: counter(
    'fovea_engine_stalls_total',
    ['engine'],
    'Times an engine hung: it worked and made no progress for `ADAPTER_ENGINE_STALL_S`.',
  ),
  engineDeaths: counter(
    'fovea_engine_deaths_total',
    ['engine'],
    'Times the process of an engine died while requests ran there.',
  ),
  breakerOpenings: counter(
    'fovea_engine_breaker_openings_total',
    ['engine'],
    'Times the circuit breaker of an engine opened, after a trial that failed, too.',
  ),
  suspected: counter(
    'fovea_requests_suspected_total',
    ['engine'],
    'Requests that ran on an engine whose process died.',
  ),
  condemned: counter(
    'fovea_requests_condemned_total',
    ['engine'],
    'Requests that are refused from now on because a second engine died while they ran.',
  ),
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
} as const;

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

const conditions = ['fit', 'unhealthy', 'dead', 'stalled', 'breaker-open', 'breaker-half-open'] as const;

/** One word for how an engine is. */
export type EngineCondition = (typeof conditions)[number];

/** What happens to engines, and to the requests there. `engine` is its index in the worker file. */
export interface EngineTelemetry {
  /** To be told after each change. */
  engineCondition(engine: string, condition: EngineCondition): void;
  engineStalled(event: { readonly engine: string; readonly silentS: number; readonly runs: number }): void;
  engineDied(event: { readonly engine: string; readonly runs: number }): void;
  breakerOpened(engine: string): void;
  condemned(event: { readonly engine: string; readonly requestId: string }): void;
}

export function createEngineTelemetry(registry: Registry, logger: Logger): EngineTelemetry {
  const condition = engineMetrics.engineCondition.register(registry);
  const stalls = engineMetrics.engineStalls.register(registry);
  const deaths = engineMetrics.engineDeaths.register(registry);
  const openings = engineMetrics.breakerOpenings.register(registry);
  const suspected = engineMetrics.suspected.register(registry);
  const condemned = engineMetrics.condemned.register(registry);
  const known = new Map<string, EngineCondition>();
  return {
    engineCondition(engine, now) {
      if (known.get(engine) === now) return;
      for (const each of conditions) condition.set({ engine, condition: each }, each === now ? 1 : 0);
      if (known.has(engine))
        logger.info({ engine, condition: now, before: known.get(engine) }, 'engine changed');
      known.set(engine, now);
    },
    engineStalled(event) {
      stalls.inc({ engine: event.engine });
      logger.error(event, 'engine hangs: what runs there is aborted');
    },
    engineDied({ engine, runs }) {
      deaths.inc({ engine });
      suspected.inc({ engine }, runs);
      logger.error({ engine, runs }, 'the process of an engine died: what ran there is suspected');
    },
    breakerOpened(engine) {
      openings.inc({ engine });
      logger.warn({ engine }, 'circuit breaker of an engine opened');
    },
    condemned(event) {
      condemned.inc({ engine: event.engine });
      logger.error(event, 'request condemned: a second engine died while it ran');
    },
  };
}

/** Registers the gauges of the engines' state; the returned function sets those of one engine. */
export function createEngineGauges(registry: Registry): (state: EngineState) => void {
  const slotsInUse = engineMetrics.slotsInUse.register(registry);
  const slotsEffective = engineMetrics.slotsEffective.register(registry);
  const slots = engineMetrics.slots.register(registry);
  const tokensInUse = engineMetrics.engineTokensInUse.register(registry);
  const tokenBudget = engineMetrics.engineTokenBudget.register(registry);
  const brake = engineMetrics.engineBrake.register(registry);
  const running = engineMetrics.engineRunning.register(registry);
  const waiting = engineMetrics.engineWaiting.register(registry);
  const cacheUsage = engineMetrics.engineCacheUsage.register(registry);
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
