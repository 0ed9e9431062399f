import type { Backend, EngineLoad } from '@fovea/backends';
import { pause } from '../pause.js';
import type { EngineGate } from '../slots/engine-gate.js';
import { tokenBudgetOf } from '../slots/token-budget.js';
import { boundedCall } from './health/bounded-call.js';
import { describeProblem, type EngineHealth } from './health/engine-health.js';
import { LoadWatch } from './load-watch.js';
import type { ServedModels } from './served-models.js';

export interface EngineParts {
  /** `0`, `1` … in the order of the worker file. Logs and metrics say this, never the address. */
  readonly name: string;
  readonly backend: Backend;
  readonly health: EngineHealth;
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
const ASK_TIMEOUT_MS = 5_000;

/**
 * One engine of this worker: how to reach it, whether it is healthy, and how much it may be given.
 *
 * It is fit for work while it is healthy and serves the worker's package. What it serves is asked each time it becomes
 * healthy, because another engine may answer under the same address.
 */
export class Engine {
  readonly name: string;
  readonly backend: Backend;
  readonly health: EngineHealth;
  readonly gate: EngineGate;
  readonly #parts: EngineParts;
  readonly #listeners = new Set<() => void>();
  readonly #load: LoadWatch;
  #isDescribed = false;
  #asking = new AbortController();
  #asked: Promise<void> = Promise.resolve();
  #lastProblem: string | undefined;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.backend = parts.backend;
    this.health = parts.health;
    this.gate = parts.gate;
    this.#load = this.#createLoadWatch(parts);
    this.gate.onChange(() => this.#load.wake());
    this.health.onChange((isHealthy) => {
      this.#isDescribed = false;
      this.#asking.abort(new Error('the engine is not healthy'));
      if (isHealthy) this.#describe();
      this.#load.wake();
      this.#changed();
    });
  }

  get isFit(): boolean {
    return this.problem === undefined;
  }

  /** Why the engine is given no work, in words without its address; undefined while it is fit. */
  get problem(): string | undefined {
    if (!this.health.isFit) return 'not healthy';
    if (!this.#isDescribed) return 'does not say what it serves';
    return this.#parts.served.differenceOf(this.name);
  }

  /** What went wrong last, for the log; may hold the engine's address. */
  get lastProblem(): string {
    if (!this.health.isFit) return this.health.lastProblem;
    return (this.#isDescribed ? undefined : this.#lastProblem) ?? this.problem ?? 'none';
  }

  /** Told when the engine may have become fit or unfit. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  start(): void {
    this.health.start();
  }

  async stop(): Promise<void> {
    this.#asking.abort(new Error('the worker leaves'));
    this.gate.stop();
    await Promise.all([this.health.stop(), this.#load.stop(), this.#asked]);
  }

  /** What runs inside, or what it said last, makes its load worth asking for. */
  #createLoadWatch({ backend, gate, health, loadPollMs }: EngineParts): LoadWatch {
    return new LoadWatch(backend, {
      intervalMs: loadPollMs,
      isNeeded: () => health.isFit && (gate.entries.size > 0 || gate.brake.load),
      onPoll: () => {
        const before = new Set(gate.entries);
        return (load) => gate.readLoad(load, before);
      },
      onMiss: () => gate.missLoad(),
      onRest: () => gate.forgetLoad(),
    });
  }

  #describe(): void {
    this.#asking = new AbortController();
    this.#asked = this.#askUntilKnown(this.#asking.signal);
  }

  async #askUntilKnown(signal: AbortSignal): Promise<void> {
    const { backend, served, name, onError, retryMs = RETRY_MS } = this.#parts;
    while (!signal.aborted) {
      try {
        const models = await boundedCall(signal, ASK_TIMEOUT_MS, (bounded) => backend.models(bounded));
        const load = await this.#askLoad(signal);
        served.learn(name, models);
        this.#setBudget(load);
        this.#isDescribed = true;
        this.#changed();
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#lastProblem = describeProblem(error);
        onError(error);
        await pause(retryMs, signal);
      }
    }
  }

  /** Empty when it has no figures: the budget is guessed then. */
  async #askLoad(signal: AbortSignal): Promise<EngineLoad> {
    try {
      return await boundedCall(signal, ASK_TIMEOUT_MS, (bounded) => this.backend.load(bounded));
    } catch {
      signal.throwIfAborted();
      return {};
    }
  }

  #setBudget({ kvCacheTokens }: EngineLoad): void {
    const { served, tokenBudget, gate } = this.#parts;
    gate.tokenBudget = tokenBudgetOf({
      configured: tokenBudget,
      kvCacheTokens,
      slots: gate.lanes.reduce((slots, { total }) => slots + total, 0),
      maxModelLen: served.maxModelLen ?? 1,
    });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
