export interface OverloadRules {
  /** How long the engine must refuse nothing, after the pause, for each step up. */
  readonly growEveryMs: number;
  /** Bounds of the pause after a refusal; the engine's `Retry-After` counts between them. */
  readonly minPauseMs: number;
  readonly maxPauseMs: number;
}

export const defaultOverloadRules: OverloadRules = {
  growEveryMs: 1_000,
  minPauseMs: 500,
  maxPauseMs: 30_000,
};

/** Part of the configured slots that comes back with each step. */
const STEP = 1 / 16;
const SMALLEST_SHARE = 1 / 64;

/**
 * The share of an engine's slots that it may be given after it refused work (503): halved by a refusal, grown by steps
 * without one (additive increase, multiplicative decrease). The refusals of one burst count once: only a job that
 * was given after the last cut says that the cut was not enough. After a refusal nothing is given for a moment.
 */
export class OverloadLimit {
  readonly #rules: OverloadRules;
  readonly #onChange: () => void;
  #share = 1;
  #cutAtMs = Number.NEGATIVE_INFINITY;
  #isPaused = false;
  #pauseEndsAtMs = 0;
  #pauseTimer: NodeJS.Timeout | undefined;
  #growTimer: NodeJS.Timeout | undefined;

  constructor(rules: OverloadRules, onChange: () => void) {
    this.#rules = rules;
    this.#onChange = onChange;
  }

  /** True right after a refusal. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Of so many slots, those that may be used now; at least one. */
  of(slots: number): number {
    return Math.max(1, Math.floor(slots * this.#share));
  }

  /** The engine refused a job that was given to it at `enteredAtMs`. */
  refuse(enteredAtMs: number, retryAfterS = 0): void {
    const nowMs = performance.now();
    if (enteredAtMs > this.#cutAtMs) {
      this.#share = Math.max(SMALLEST_SHARE, this.#share / 2);
      this.#cutAtMs = nowMs;
    }
    const { minPauseMs, maxPauseMs } = this.#rules;
    const pauseMs = Math.min(maxPauseMs, Math.max(minPauseMs, retryAfterS * 1_000));
    this.#pauseEndsAtMs = Math.max(this.#pauseEndsAtMs, nowMs + pauseMs);
    this.#isPaused = true;
    clearTimeout(this.#growTimer);
    this.#armPause();
    this.#onChange();
  }

  stop(): void {
    clearTimeout(this.#pauseTimer);
    clearTimeout(this.#growTimer);
  }

  #armPause(): void {
    clearTimeout(this.#pauseTimer);
    this.#pauseTimer = setTimeout(
      () => {
        this.#isPaused = false;
        this.#armGrowth();
        this.#onChange();
      },
      Math.max(0, this.#pauseEndsAtMs - performance.now()),
    ).unref();
  }

  #armGrowth(): void {
    clearTimeout(this.#growTimer);
    this.#growTimer = setTimeout(() => {
      this.#share = Math.min(1, this.#share + STEP);
      if (this.#share < 1) this.#armGrowth();
      this.#onChange();
    }, this.#rules.growEveryMs).unref();
  }
}
