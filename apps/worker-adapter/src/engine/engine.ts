import type { Backend, EngineLoad, EngineModel } from '@fovea/backends';
import type { EngineCondition } from '@fovea/observability';
import type { EngineGate } from '../slots/engine-gate.js';
import { tokenBudgetOf } from '../slots/token-budget.js';
import type { Place, PlaceRequest } from './claim.js';
import { Description } from './description.js';
import type { EngineHealth } from './health/engine-health.js';
import { LoadWatch } from './load-watch.js';
import type { ServedModels } from './served-models.js';
import { type VitalParts, VitalSigns } from './vital-signs.js';

export interface EngineParts extends Omit<VitalParts, 'onChange'> {
  /** `0`, `1` … in the order of the worker file. Logs and metrics say this, never the address. */
  readonly name: string;
  /** By which all workers know the engine, for the quarantine only. */
  readonly address: string;
  readonly gate: EngineGate;
  readonly served: ServedModels;
  /** Tokens that running jobs may keep in its cache; undefined: as many as its cache holds. */
  readonly tokenBudget?: number | undefined;
  /** Pause between two looks at its load. */
  readonly loadPollMs: number;
  /** Told why the engine could not say what it serves; it is asked again. */
  readonly onError: (error: unknown) => void;
  readonly retryMs?: number;
}

const RETRY_MS = 2_000;

/**
 * One engine of this worker: how to reach it, whether it is healthy, and how much it may be given.
 *
 * It is fit for work while it lives, works and serves the worker's package. What it serves is asked each time it becomes
 * healthy, because another engine may answer under the same address.
 */
export class Engine {
  readonly name: string;
  readonly address: string;
  readonly backend: Backend;
  readonly health: EngineHealth;
  readonly gate: EngineGate;
  readonly #parts: EngineParts;
  readonly #listeners = new Set<() => void>();
  readonly #vitals: VitalSigns;
  readonly #load: LoadWatch;
  readonly #description: Description;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.address = parts.address;
    this.backend = parts.backend;
    this.health = parts.health;
    this.gate = parts.gate;
    this.#vitals = new VitalSigns({ ...parts, onChange: () => this.#changed() });
    this.#load = this.#createLoadWatch(parts);
    this.#description = new Description({
      backend: parts.backend,
      retryMs: parts.retryMs ?? RETRY_MS,
      onAnswer: (models, load) => this.#learn(models, load),
      onError: parts.onError,
    });
    this.gate.onChange(() => this.#load.wake());
    this.health.onChange((isHealthy) => {
      this.#description.forget();
      if (isHealthy) this.#description.ask();
      this.#changed();
    });
  }

  get isFit(): boolean {
    return this.problem === undefined;
  }

  get condition(): EngineCondition {
    return this.#vitals.condition;
  }

  /** Why the engine is given no work, in words without its address; undefined while it is fit. */
  get problem(): string | undefined {
    const { problem } = this.#vitals;
    if (problem !== undefined) return problem;
    if (!this.#description.isKnown) return 'does not say what it serves';
    return this.#parts.served.differenceOf(this.name);
  }

  /** What went wrong last, for the log; may hold the engine's address. */
  get lastProblem(): string {
    if (!this.health.isFit) return this.health.lastProblem;
    return this.#vitals.problem ?? this.#description.lastProblem ?? this.problem ?? 'none';
  }

  /** Told when the engine may have become fit or unfit, or may be given more. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** True when the lane has a slot here and the engine takes work. */
  hasSlot(lane: PlaceRequest['lane']): boolean {
    return this.isFit && this.#vitals.admits && this.gate.hasSlot(lane);
  }

  /** `mayBorrow`: nobody stands in line before this job for tokens. */
  admits(request: PlaceRequest, mayBorrow: boolean): boolean {
    return this.hasSlot(request.lane) && this.gate.admits(request, mayBorrow);
  }

  /** Takes a place that `admits` has seen. */
  enter(request: PlaceRequest): Place {
    const pass = this.#vitals.enter();
    const entry = this.gate.enter(request);
    const { isSuspect } = entry;
    const onAnswer = (): void => {
      entry.hasAnswered = true;
    };
    return {
      engine: this,
      begin: (run) => this.#vitals.begin(run, { pass, isSuspect, onAnswer }),
      refused: (retryAfterS) => this.gate.refuse(entry, retryAfterS),
      release: () => {
        entry.leave();
        pass.leave();
      },
    };
  }

  start(): void {
    this.health.start();
  }

  async stop(): Promise<void> {
    this.#vitals.stop();
    this.gate.stop();
    await Promise.all([this.health.stop(), this.#load.stop(), this.#description.stop()]);
  }

  /** What runs inside, or what it said last, makes its load worth asking for. */
  #createLoadWatch({ backend, gate, health, loadPollMs }: EngineParts): LoadWatch {
    return new LoadWatch(backend, {
      intervalMs: loadPollMs,
      isNeeded: () => health.isFit && (gate.entries.size > 0 || gate.brake.load || this.#vitals.isStalled),
      onPoll: () => {
        const before = new Set(gate.entries);
        return (load) => {
          this.#vitals.read(load);
          gate.readLoad(load, before);
        };
      },
      onMiss: () => gate.missLoad(),
      onRest: () => {
        this.#vitals.forgetLoad();
        gate.forgetLoad();
      },
    });
  }

  #learn(models: readonly EngineModel[], load: EngineLoad): void {
    const { served, tokenBudget, gate, name } = this.#parts;
    served.learn(name, models);
    this.#vitals.read(load);
    gate.tokenBudget = tokenBudgetOf({
      configured: tokenBudget,
      kvCacheTokens: load.kvCacheTokens,
      slots: gate.lanes.reduce((slots, { total }) => slots + total, 0),
      maxModelLen: served.maxModelLen ?? 1,
    });
    this.#changed();
  }

  #changed(): void {
    this.#load.wake();
    for (const listener of this.#listeners) listener();
  }
}
