import type { Backend } from '@fovea/backends';
import { FoveaError } from '@fovea/errors';
import { pause } from '../pause.js';
import type { EngineGate } from '../slots/engine-gate.js';
import { boundedCall } from './health/bounded-call.js';
import { describeProblem, type EngineHealth } from './health/engine-health.js';
import type { ServedModels } from './served-models.js';

export interface EngineParts {
  /** `0`, `1` … in the order of the worker file. Logs and metrics say this, never the address. */
  readonly name: string;
  readonly backend: Backend;
  readonly health: EngineHealth;
  readonly gate: EngineGate;
  readonly served: ServedModels;
  /** Told why the engine could not say what it serves; it is asked again. */
  readonly onError: (error: unknown) => void;
  readonly retryMs?: number;
}

const RETRY_MS = 2_000;
const MODELS_TIMEOUT_MS = 5_000;

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
    this.health.onChange((isHealthy) => {
      this.#isDescribed = false;
      this.#asking.abort(new Error('the engine is not healthy'));
      if (isHealthy) this.#describe();
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
    return (this.health.isFit ? (this.problem ?? this.#lastProblem) : undefined) ?? this.health.lastProblem;
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
    await Promise.all([this.health.stop(), this.#asked]);
  }

  #describe(): void {
    this.#asking = new AbortController();
    this.#asked = this.#askUntilKnown(this.#asking.signal);
  }

  async #askUntilKnown(signal: AbortSignal): Promise<void> {
    const { backend, served, name, onError, retryMs = RETRY_MS } = this.#parts;
    while (!signal.aborted) {
      try {
        const models = await boundedCall(signal, MODELS_TIMEOUT_MS, (bounded) => backend.models(bounded));
        served.learn(name, models);
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

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** What a job is told that finds no engine. */
export const noEngine = (): FoveaError =>
  new FoveaError('MODEL_UNAVAILABLE', { detail: 'no engine of this worker is fit' });
