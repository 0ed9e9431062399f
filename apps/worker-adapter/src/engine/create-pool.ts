import { hostname } from 'node:os';
import type { Backend } from '@fovea/backends';
import type { AdapterTelemetry, Logger } from '@fovea/observability';
import type { Quarantine } from '@fovea/quarantine';
import { lanesOf } from '../consumer/lanes.js';
import { quietRepeats } from '../quiet-repeats.js';
import { EngineGate } from '../slots/engine-gate.js';
import type { WorkerConfig } from '../worker.config.js';
import type { WorkerSettings } from '../worker-settings.js';
import { Engine } from './engine.js';
import { EnginePool } from './engine-pool.js';
import { defaultBreakerRules } from './health/circuit-breaker.js';
import { EngineHealth } from './health/engine-health.js';
import type { ServedModels } from './served-models.js';

export interface PoolOptions {
  readonly config: Pick<WorkerConfig, 'ADAPTER_LOAD_POLL_S' | 'ADAPTER_ENGINE_STALL_S'>;
  readonly settings: WorkerSettings;
  readonly logger: Logger;
}

export interface PoolParts {
  /** One per engine, in the order of the worker file. */
  readonly backends: readonly Backend[];
  readonly served: ServedModels;
  readonly quarantine: Pick<Quarantine, 'suspect' | 'condemn'>;
  readonly telemetry: AdapterTelemetry;
}

/** Figures of an engine's load are trusted for so many polls. */
const TRUSTED_POLLS = 2;

/** The engines of a worker, each with its gate, and what the metrics tell of them. */
export function createPool(options: PoolOptions, parts: PoolParts): EnginePool {
  const { backends, telemetry } = parts;
  const { queue } = options.settings.file;
  const lanes = lanesOf(queue.models, queue.capabilities);
  const engines = backends.map((backend, index) => createEngine(`${index}`, backend, parts, options));
  for (const engine of engines) {
    const { name, health, gate } = engine;
    const tellCondition = (): void => telemetry.engineCondition(name, engine.condition);
    engine.onChange(tellCondition);
    tellCondition();
    health.onChange((isHealthy, reason) => {
      telemetry.engineHealth(name, isHealthy);
      if (!isHealthy) options.logger.warn({ engine: name, reason }, 'engine gets no jobs until it is back');
    });
    const tellState = (): void => {
      const { tokens, brake, load } = gate;
      const { inUse: tokensInUse, total: tokenBudget } = tokens;
      telemetry.engineState({ engine: name, lanes: gate.lanes, tokensInUse, tokenBudget, brake, load });
    };
    gate.onChange(tellState);
    tellState();
  }
  const pool = new EnginePool(engines);
  pool.onRoom(() => {
    for (const lane of lanes) telemetry.waitingForPlace(lane, pool.waiting(lane));
  });
  return pool;
}

function createEngine(
  name: string,
  backend: Backend,
  { served, quarantine, telemetry }: PoolParts,
  { config, settings, logger }: PoolOptions,
): Engine {
  const slots = { text: settings.textSlots, media: settings.mediaSlots, embed: settings.embedSlots };
  const loadPollMs = config.ADAPTER_LOAD_POLL_S * 1_000;
  return new Engine({
    name,
    address: addressOf(settings.engineUrls[Number(name)] ?? name),
    backend,
    served,
    health: new EngineHealth(backend),
    gate: new EngineGate({
      slots: new Map(
        lanesOf(settings.file.queue.models, settings.file.queue.capabilities).map(
          (lane) => [lane, slots[lane]] as const,
        ),
      ),
      maxLoadAgeMs: loadPollMs * TRUSTED_POLLS,
    }),
    quarantine,
    stallMs: config.ADAPTER_ENGINE_STALL_S * 1_000,
    breaker: defaultBreakerRules,
    events: {
      onStall: (silentMs, runs) => telemetry.engineStalled({ engine: name, silentS: silentMs / 1_000, runs }),
      onDeath: (runs) => telemetry.engineDied({ engine: name, runs }),
      onCondemned: (requestId) => telemetry.condemned({ engine: name, requestId }),
      onBreaker: (state) => {
        if (state === 'open') telemetry.breakerOpened(name);
      },
      onError: (err) => logger.error({ engine: name, err }, 'the quarantine could not be written'),
    },
    tokenBudget: settings.tokenBudget,
    loadPollMs,
    onError: quietRepeats((err) => logger.warn({ engine: name, err }, 'engine does not say what it serves')),
  });
}

const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** The same for all workers of an engine, and another one for the loopback addresses of each host. */
function addressOf(url: string): string {
  const { hostname: host, port, pathname } = new URL(url);
  return `${loopback.test(host) ? hostname() : host}:${port}${pathname}`;
}
