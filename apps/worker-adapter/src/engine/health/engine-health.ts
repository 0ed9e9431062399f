import type { Backend } from '@fovea/backends';
import { FoveaError } from '@fovea/errors';
import { boundedCall } from './bounded-call.js';

export interface HealthRules {
  /** Pause between two probes. */
  readonly intervalMs: number;
  /** A probe that takes longer has failed. Generous: a vLLM that prepares images answers late but lives. */
  readonly timeoutMs: number;
  /** Failures in a row until the engine counts as unfit. */
  readonly failuresUntilUnfit: number;
  /** Successes in a row until an unfit engine counts as fit again. */
  readonly successesUntilFit: number;
}

export const defaultHealthRules: HealthRules = {
  intervalMs: 1_000,
  timeoutMs: 5_000,
  failuresUntilUnfit: 2,
  successesUntilFit: 2,
};

/** Told of each change; `reason` is for the log and may hold the engine's address. */
export type HealthListener = (isFit: boolean, reason: string) => void;

/**
 * Whether the engine may be given work. Probes it all the time; one late answer changes nothing, a run of
 * failures does, and a failed generation asks at once (`recheck`). Before the first good probe it is unfit.
 */
export class EngineHealth {
  readonly #backend: Backend;
  readonly #rules: HealthRules;
  readonly #listeners = new Set<HealthListener>();
  #stopped = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;
  #rechecking: Promise<void> | undefined;
  #isFit = false;
  #failures = 0;
  #successes: number;
  #lastProblem = 'not asked yet';
  #lastError: unknown;

  constructor(backend: Backend, rules: HealthRules = defaultHealthRules) {
    this.#backend = backend;
    this.#rules = rules;
    // The first start needs no second opinion.
    this.#successes = rules.successesUntilFit - 1;
  }

  get isFit(): boolean {
    return this.#isFit;
  }

  /** Why the last failed probe failed; for the log. */
  get lastProblem(): string {
    return this.#lastProblem;
  }

  /** What the last probe threw; undefined when it was good. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** The returned function stops listening. */
  onChange(listener: HealthListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    this.#stopped = new AbortController();
    this.#loop = this.#watch(this.#stopped.signal);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake?.();
    await this.#loop;
  }

  /** Asks the engine now, once for all who ask meanwhile; a failure makes it unfit without a second one. */
  async recheck(): Promise<boolean> {
    this.#rechecking ??= this.#probe(this.#stopped.signal, 1).finally(() => {
      this.#rechecking = undefined;
    });
    await this.#rechecking;
    return this.#isFit;
  }

  /** Resolves true as soon as the engine is fit, false when the signal aborts first. */
  untilFit(signal: AbortSignal): Promise<boolean> {
    if (this.#isFit || signal.aborted) return Promise.resolve(this.#isFit && !signal.aborted);
    return new Promise((resolve) => {
      const settle = (isFit: boolean): void => {
        if (!isFit && !signal.aborted) return;
        stopListening();
        signal.removeEventListener('abort', onAbort);
        resolve(isFit);
      };
      const onAbort = (): void => settle(false);
      const stopListening = this.onChange(settle);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#probe(signal, this.#rules.failuresUntilUnfit);
      if (!signal.aborted) await this.#pause();
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#rules.intervalMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #probe(signal: AbortSignal, failuresUntilUnfit: number): Promise<void> {
    try {
      await boundedCall(signal, this.#rules.timeoutMs, (bounded) => this.#backend.checkHealth(bounded));
      this.#failures = 0;
      this.#lastError = undefined;
      this.#successes += 1;
      if (this.#successes >= this.#rules.successesUntilFit) this.#become(true, 'the engine answers');
    } catch (error) {
      if (signal.aborted) return;
      this.#successes = 0;
      this.#failures += 1;
      this.#lastError = error;
      this.#lastProblem = describeProblem(error);
      if (this.#failures >= failuresUntilUnfit) this.#become(false, this.#lastProblem);
    }
  }

  #become(isFit: boolean, reason: string): void {
    if (this.#isFit === isFit) return;
    this.#isFit = isFit;
    for (const listener of [...this.#listeners]) listener(isFit, reason);
  }
}

/** Detail for the log; the public text of a catalogue error says too little. */
export function describeProblem(error: unknown): string {
  if (FoveaError.isInstance(error)) return error.detail ?? error.message;
  return error instanceof Error ? error.message : String(error);
}
