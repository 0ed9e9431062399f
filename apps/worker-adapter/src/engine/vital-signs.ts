import type { Backend, EngineLoad } from '@fovea/backends';
import type { EngineCondition } from '@fovea/observability';
import type { Quarantine } from '@fovea/quarantine';
import { boundedCall } from './health/bounded-call.js';
import { type BreakerRules, type BreakerState, CircuitBreaker, type Pass } from './health/circuit-breaker.js';
import type { EngineHealth } from './health/engine-health.js';
import { ProgressWatch } from './health/progress-watch.js';
import { DeathWatch } from './runs/death-watch.js';
import { Run, type RunRequest } from './runs/run.js';

/** Told of what happens to an engine; for logs and metrics. */
export interface VitalEvents {
  /** It hung for so long while so many requests of ours ran there; they are aborted. */
  onStall(silentMs: number, runs: number): void;
  /** Its process died while so many requests of ours ran there. */
  onDeath(runs: number): void;
  /** It died while this was its only suspect. */
  onCondemned(requestId: string): void;
  onBreaker(state: BreakerState): void;
  /** The quarantine could not be written. */
  onError(error: unknown): void;
}

export interface VitalParts {
  readonly backend: Backend;
  readonly health: EngineHealth;
  readonly quarantine: Pick<Quarantine, 'suspect' | 'condemn'>;
  readonly stallMs: number;
  readonly breaker: BreakerRules;
  readonly events: VitalEvents;
  /** Told when the engine may have become fit or unfit, or may be given more or less. */
  readonly onChange: () => void;
}

const problems: Readonly<Record<EngineCondition, string | undefined>> = {
  fit: undefined,
  unhealthy: 'not healthy',
  dead: 'its process died',
  stalled: 'makes no progress',
  'breaker-open': 'fails requests: the circuit breaker is open',
  // It is used, if only for one job.
  'breaker-half-open': undefined,
};

const LOOK_TIMEOUT_MS = 5_000;

/**
 * Whether an engine lives and works: its health check, the progress of what runs there, what became of its last
 * requests, and whether its process died.
 */
export class VitalSigns {
  readonly #parts: VitalParts;
  readonly #progress: ProgressWatch;
  readonly #breaker: CircuitBreaker;
  readonly #deaths: DeathWatch;
  readonly #stopped = new AbortController();
  #looking: Promise<EngineLoad> | undefined;

  constructor(parts: VitalParts) {
    this.#parts = parts;
    const { health, quarantine, stallMs, breaker, events, onChange } = parts;
    this.#breaker = new CircuitBreaker(breaker, (state) => {
      events.onBreaker(state);
      onChange();
    });
    this.#progress = new ProgressWatch({
      stallMs,
      look: () => this.#look(),
      onStall: (silentMs) => this.#stall(silentMs),
      onRecovery: onChange,
    });
    this.#deaths = new DeathWatch({
      quarantine,
      recheck: () => health.recheck(),
      healthError: () => health.lastError,
      look: () => this.#look(),
      onDeath: (runs) => {
        events.onDeath(runs);
        onChange();
      },
      onCondemned: ({ request }) => events.onCondemned(request.requestId),
      onRevival: onChange,
      onError: (error) => events.onError(error),
    });
    health.onChange((isHealthy) => {
      if (!isHealthy) this.#deaths.healthFailed();
      else {
        this.#deaths.revive();
        this.#breaker.retry();
      }
    });
  }

  get condition(): EngineCondition {
    if (this.#deaths.isDead) return 'dead';
    if (!this.#parts.health.isFit) return 'unhealthy';
    if (this.#progress.isStalled) return 'stalled';
    const { state } = this.#breaker;
    return state === 'closed' ? 'fit' : `breaker-${state}`;
  }

  /** Why it is given nothing; undefined when it may be used. */
  get problem(): string | undefined {
    return problems[this.condition];
  }

  /** True while its figures are asked for although nothing of ours runs there: they tell that it lives again. */
  get isStalled(): boolean {
    return this.#progress.isStalled;
  }

  /** True when one more job may pass: all of them, or the one of a trial. */
  get admits(): boolean {
    return this.problem === undefined && this.#breaker.admits;
  }

  enter(): Pass {
    return this.#breaker.enter();
  }

  /** A request of ours goes to the engine. */
  begin(request: RunRequest, { pass, isSuspect, onAnswer }: RunEntry): Run {
    const run = new Run(request, {
      isSuspect,
      pass,
      wait: () => this.#progress.begin(),
      onAnswer: () => {
        this.#progress.moved();
        onAnswer();
      },
      onLeave: (left) => this.#deaths.leave(left),
      investigate: (failed, failure) => this.#deaths.investigate(failed, failure),
    });
    this.#deaths.begin(run);
    return run;
  }

  /** Takes the engine's figures. */
  read(load: EngineLoad): void {
    this.#deaths.read(load);
    this.#progress.read(load);
  }

  /** Nobody asks for figures any more. */
  forgetLoad(): void {
    this.#progress.forget();
  }

  /** Ends its timers. */
  stop(): void {
    this.#stopped.abort(new Error('the worker leaves'));
    this.#progress.stop();
    this.#breaker.stop();
  }

  /** Once for all who ask meanwhile. */
  #look(): Promise<EngineLoad> {
    const { backend } = this.#parts;
    this.#looking ??= boundedCall(this.#stopped.signal, LOOK_TIMEOUT_MS, (bounded) =>
      backend.load(bounded),
    ).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** What runs is aborted, and the engine tried with one job when it shows signs of life. */
  #stall(silentMs: number): void {
    const runs = [...this.#deaths.inside];
    this.#parts.events.onStall(silentMs, runs.length);
    this.#breaker.trip();
    for (const { request } of runs) request.onStall();
    this.#parts.onChange();
  }
}

export interface RunEntry {
  readonly pass: Pass;
  readonly isSuspect: boolean;
  readonly onAnswer: () => void;
}
