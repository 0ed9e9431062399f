export interface BreakerRules {
  /** Different requests that must fail in a row until the breaker opens. */
  readonly failuresUntilOpen: number;
  /** Failures that are further apart are no row. */
  readonly windowMs: number;
  /** The first pause; each trial that fails doubles it, up to the bound. */
  readonly minPauseMs: number;
  readonly maxPauseMs: number;
}

export const defaultBreakerRules: BreakerRules = {
  failuresUntilOpen: 5,
  windowMs: 60_000,
  minPauseMs: 1_000,
  maxPauseMs: 30_000,
};

/** A pause is up to a quarter longer, so that the adapters of one engine do not come back together. */
const JITTER = 0.25;

export type BreakerState = 'closed' | 'open' | 'half-open';

/** One job's way through the breaker. Only the first verdict counts. */
export interface Pass {
  /** The engine answered to the end. */
  succeed(): void;
  /** The engine failed the request. */
  fail(fingerprint: string): void;
  /** It ended and says nothing of the engine: refused, cancelled, turned away. */
  leave(): void;
}

/**
 * Keeps jobs from an engine that fails them while its health check is green. After a pause one job is let through as a
 * trial: the engine is used again when it ends well.
 *
 * A row of failures is one of different requests, told apart by their fingerprints: one that an engine can't bear, sent
 * again and again, does not close the engine to all others.
 */
export class CircuitBreaker {
  readonly #rules: BreakerRules;
  readonly #onChange: (state: BreakerState) => void;
  readonly #random: () => number;
  /** When each request failed, since the last success. */
  readonly #failures = new Map<string, number>();
  #state: BreakerState = 'closed';
  #pauseMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #trial: Pass | undefined;

  constructor(rules: BreakerRules, onChange: (state: BreakerState) => void, random = Math.random) {
    this.#rules = rules;
    this.#onChange = onChange;
    this.#random = random;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** True when a job may pass now. */
  get admits(): boolean {
    return this.#state === 'closed' || (this.#state === 'half-open' && this.#trial === undefined);
  }

  /** Lets a job through that `admits` has seen. */
  enter(): Pass {
    const isTrial = this.#state === 'half-open';
    let isOver = false;
    const once = (verdict: () => void) => (): void => {
      if (isOver) return;
      isOver = true;
      // A job from before the breaker opened says nothing of the engine as it is now.
      const counts = isTrial ? this.#trial === pass : this.#state === 'closed';
      if (counts) verdict();
    };
    const pass: Pass = {
      succeed: once(() => this.#close()),
      fail: (fingerprint) => once(() => (isTrial ? this.trip() : this.#count(fingerprint)))(),
      leave: once(() => {
        if (isTrial) this.#become('half-open');
      }),
    };
    if (isTrial) this.#trial = pass;
    return pass;
  }

  /** Opens now, and for longer each time until something succeeds. */
  trip(): void {
    const { minPauseMs, maxPauseMs } = this.#rules;
    this.#pauseMs = Math.min(maxPauseMs, Math.max(minPauseMs, this.#pauseMs * 2));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#become('half-open'),
      this.#pauseMs * (1 + JITTER * this.#random()),
    ).unref();
    this.#become('open');
  }

  /** The engine was away and is back: it is tried now, however long the pause. */
  retry(): void {
    if (this.#state !== 'open') return;
    clearTimeout(this.#timer);
    this.#become('half-open');
  }

  /** Ends its timer. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #count(fingerprint: string): void {
    const nowMs = performance.now();
    this.#failures.set(fingerprint, nowMs);
    for (const [each, atMs] of this.#failures) {
      if (nowMs - atMs > this.#rules.windowMs) this.#failures.delete(each);
    }
    if (this.#failures.size >= this.#rules.failuresUntilOpen) this.trip();
  }

  #close(): void {
    this.#failures.clear();
    this.#pauseMs = 0;
    if (this.#state !== 'closed') this.#become('closed');
  }

  #become(state: BreakerState): void {
    this.#state = state;
    this.#trial = undefined;
    this.#onChange(state);
  }
}
