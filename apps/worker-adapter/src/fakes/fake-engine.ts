import { parseWorkerFile } from '@fovea/model-registry/worker-file';
import type { LaneKind } from '@fovea/schemas/jobs';
import { Engine } from '../engine/engine.js';
import type { BreakerRules } from '../engine/health/circuit-breaker.js';
import { EngineHealth } from '../engine/health/engine-health.js';
import { ServedModels } from '../engine/served-models.js';
import type { VitalEvents } from '../engine/vital-signs.js';
import { EngineGate } from '../slots/engine-gate.js';
import type { OverloadRules } from '../slots/overload-limit.js';
import { FakeBackend } from './fake-backend.js';
import { FakeQuarantine } from './fake-quarantine.js';

const rules = { intervalMs: 1, timeoutMs: 1_000, failuresUntilUnfit: 1, successesUntilFit: 1 };

/** The package `tiny-vlm`, as its engines come to agree on it. */
export function createServed(onDifference?: (engine: string, difference: string) => void): ServedModels {
  const file = parseWorkerFile(
    `
edition = 1
[generator]
type = "vllm"
[queue]
checkpoint_name = "tiny-vlm"
version = 1
[queue.models.tiny-vlm]
multimodal_enabled = true
maximum_completion_tokens = 100
chat_task = { supported = true }
`,
    'tiny-vlm.toml',
  );
  return new ServedModels(file, onDifference === undefined ? {} : { onDifference });
}

export interface FakeEngineOptions {
  readonly name?: string;
  readonly backend?: FakeBackend;
  readonly slots?: Partial<Record<LaneKind, number>>;
  readonly served?: ServedModels;
  readonly tokenBudget?: number;
  readonly overload?: OverloadRules;
  readonly stallMs?: number;
  readonly breaker?: Partial<BreakerRules>;
  readonly quarantine?: FakeQuarantine;
  readonly events?: Partial<VitalEvents>;
}

const silent: VitalEvents = {
  onStall: () => undefined,
  onDeath: () => undefined,
  onCondemned: () => undefined,
  onBreaker: () => undefined,
  onError: () => undefined,
};
/** A breaker that is out of the way. */
const patient: BreakerRules = { failuresUntilOpen: 1_000, windowMs: 60_000, minPauseMs: 1, maxPauseMs: 1 };

/** A real engine over a scripted backend, probed all the time. */
export function createEngine(options: FakeEngineOptions = {}): Engine {
  const { name = '0', backend = new FakeBackend(), slots = { text: 1 }, served = createServed() } = options;
  const { tokenBudget, overload = { growEveryMs: 1, minPauseMs: 1, maxPauseMs: 1 } } = options;
  return new Engine({
    name,
    address: `address of ${name}`,
    backend,
    health: new EngineHealth(backend, rules),
    gate: new EngineGate({
      slots: new Map(Object.entries(slots) as [LaneKind, number][]),
      maxLoadAgeMs: 60_000,
      overload,
    }),
    quarantine: options.quarantine ?? new FakeQuarantine(),
    stallMs: options.stallMs ?? 60_000,
    breaker: { ...patient, ...options.breaker },
    events: { ...silent, ...options.events },
    tokenBudget,
    loadPollMs: 1,
    served,
    onError: () => undefined,
    retryMs: 1,
  });
}
