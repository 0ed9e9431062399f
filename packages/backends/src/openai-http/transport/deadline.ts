import { FoveaError } from '@fovea/errors';

export interface DeadlineOptions {
  /** Bound on the whole request, in ms; none when left out. */
  readonly totalMs?: number | undefined;
  /** Bound on the silence between two pieces of the answer, in ms; none when left out. */
  readonly idleMs?: number | undefined;
}

/** The caller's signal and the request's own time limits as one signal. Dispose it when the request is over. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #total: NodeJS.Timeout | undefined;
  readonly #idleMs: number | undefined;
  #idle: NodeJS.Timeout | undefined;
  #verdict: NodeJS.Immediate | undefined;

  constructor(outer: AbortSignal, options: DeadlineOptions) {
    this.#outer = outer;
    this.#idleMs = options.idleMs;
    if (options.totalMs !== undefined) {
      const detail = `the engine took longer than ${options.totalMs} ms`;
      this.#total = setTimeout(() => this.#stop(new FoveaError('TIMEOUT', { detail })), options.totalMs);
    }
    if (outer.aborted) this.#onOuterAbort();
    else outer.addEventListener('abort', this.#onOuterAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** We wait for the engine to say more. A reader that takes its time is not the engine's silence. */
  startIdle(): void {
    if (this.#idleMs !== undefined) this.limit(this.#idleMs);
  }

  stopIdle(): void {
    clearTimeout(this.#idle);
    clearImmediate(this.#verdict);
  }

  /**
   * The next piece has to come within so many ms, whatever was allowed before. When the time is up, what the kernel
   * already holds is read first: a stalled event loop of ours is not the engine's silence.
   */
  limit(ms: number): void {
    this.stopIdle();
    const detail = `the engine was silent for ${ms} ms`;
    this.#idle = setTimeout(() => {
      this.#verdict = setImmediate(() => this.#stop(new FoveaError('BACKEND_ERROR', { detail })));
    }, ms);
  }

  dispose(): void {
    clearTimeout(this.#total);
    this.stopIdle();
    this.#outer.removeEventListener('abort', this.#onOuterAbort);
  }

  /** A caller that aborts with a catalogue error gets that error back; any other reason is a cancellation. */
  readonly #onOuterAbort = (): void => {
    const reason: unknown = this.#outer.reason;
    this.#stop(FoveaError.isInstance(reason) ? reason : new FoveaError('CANCELLED', { cause: reason }));
  };

  #stop(reason: FoveaError): void {
    this.#controller.abort(reason);
  }
}
