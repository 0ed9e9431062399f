import type { EngineLoad } from '@fovea/backends';

export interface ProgressParts {
  /** An engine that works and moves nothing for so long hangs. */
  readonly stallMs: number;
  /** Asks the engine for its figures now; rejects when there is no answer. */
  readonly look: () => Promise<EngineLoad>;
  /** Told that the engine hangs. */
  readonly onStall: (silentMs: number) => void;
  /** Told that an engine that hung does something again, or has been left by all. */
  readonly onRecovery: () => void;
}

/**
 * How many limits an engine may be silent whose scheduler has nothing to do, as far as we know: it prepares pictures, which
 * are in none of its figures (vLLM issue 44688), or it has no figures.
 */
const HIDDEN_LIMITS = 3;

/** `setTimeout` takes no more. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const figures = ['generatedTokens', 'promptTokens', 'kvCacheUsage', 'startedAtS'] as const;

/**
 * Notices an engine that hangs while its health check is green (vLLM issue 39863): it works, and neither do events of our
 * generations come nor do its figures move.
 *
 * Each of these is progress: an event, tokens made, a prompt worked off, and any change of its cache's use. The last one is
 * all that moves during a long prefill, since vLLM counts a prompt only at its end, but takes cache for each chunk. That
 * a new request comes is none: a hung engine accepts them, too.
 */
export class ProgressWatch {
  readonly #parts: ProgressParts;
  #runs = 0;
  #load: EngineLoad = {};
  #movedAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isStalled = false;
  #isStopped = false;

  constructor(parts: ProgressParts) {
    this.#parts = parts;
  }

  /** True from a stall until the engine shows that it lives. */
  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** We wait for the engine. The returned function says that we do not any more, once. */
  begin(): () => void {
    if (!this.#isBusy) this.moved();
    this.#runs += 1;
    this.#arm();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#runs -= 1;
    };
  }

  /** A generation of ours got something. */
  moved(): void {
    this.#movedAtMs = performance.now();
    this.#recover();
  }

  read(load: EngineLoad): void {
    const wasBusy = this.#isBusy;
    const before = this.#load;
    this.#load = load;
    const hasMoved = figures.some((name) => before[name] !== undefined && load[name] !== before[name]);
    // With the first request that its scheduler knows, another limit begins to count.
    const isAwake = isIdle(before) && !isIdle(load);
    if (hasMoved || isAwake || !wasBusy) this.moved();
    else if (isIdle(load)) this.#recover();
    // Another limit may count now.
    this.#disarm();
    this.#arm();
  }

  /** Nobody asks for figures any more. Those of an engine that hangs are kept: by them it is known whether it still does. */
  forget(): void {
    if (!this.#isStalled) this.#load = {};
  }

  /** Ends its timer. */
  stop(): void {
    this.#disarm();
    this.#isStopped = true;
  }

  get #isBusy(): boolean {
    return this.#runs > 0 || (this.#load.running ?? 0) > 0;
  }

  get #leftMs(): number {
    const { running = 0, waiting = 0 } = this.#load;
    const limits = running + waiting > 0 ? 1 : HIDDEN_LIMITS;
    return this.#movedAtMs + this.#parts.stallMs * limits - performance.now();
  }

  /** A timer that fires too early arms itself again, so nothing is done while there is one. */
  #arm(): void {
    if (this.#timer !== undefined || !this.#isBusy || this.#isStalled || this.#isStopped) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        void this.#judge();
      },
      Math.min(MAX_TIMER_MS, Math.max(0, this.#leftMs)),
    ).unref();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Only what is seen now counts: events that wait unread, because this process was asleep, are none that did not come. */
  async #judge(): Promise<void> {
    if (this.#isLooking || !this.#isBusy || this.#isStalled) return;
    if (this.#leftMs > 0) {
      this.#arm();
      return;
    }
    this.#isLooking = true;
    try {
      this.read(await this.#parts.look());
    } catch {
      // No answer is no progress.
    }
    this.#isLooking = false;
    if (this.#isBusy && this.#leftMs <= 0 && !this.#isStopped) this.#stall();
    else this.#arm();
  }

  #stall(): void {
    // Without figures nothing will tell that it lives, but the next job.
    this.#isStalled = this.#load.running !== undefined;
    this.#parts.onStall(performance.now() - this.#movedAtMs);
    if (!this.#isStalled) this.moved();
  }

  #recover(): void {
    if (!this.#isStalled) return;
    this.#isStalled = false;
    this.#parts.onRecovery();
    this.#arm();
  }
}

/** True when its scheduler has nothing to do, by figures that say so. */
function isIdle({ running, waiting = 0 }: EngineLoad): boolean {
  return running !== undefined && running + waiting === 0;
}
