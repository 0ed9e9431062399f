import type { Gauge, Registry } from 'prom-client';
import { counter, gauge } from './definition.js';

/** What a worker-adapter tells of its engines. */
export const engineMetrics = {
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
