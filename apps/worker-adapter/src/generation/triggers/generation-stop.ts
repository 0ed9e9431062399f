/** Why a generation is stopped from outside, before its engine was done. */
export type StopCause =
  /** The client left, or its interest lease lapsed. */
  | 'cancelled'
  /** The deadline of the whole request passed. */
  | 'deadline'
  /** The job's lock is lost: another worker may already run it. */
  | 'lease-lost'
  /** The log refused a write: another attempt holds the fence. */
  | 'fenced'
  /** The log has a terminal event that this attempt did not write. */
  | 'ended'
  /** The log cannot be written: the store refuses, for example because its memory is full. */
  | 'log-failed'
  /** The engine hangs. */
  | 'stalled'
  /** The adapter has to leave now. */
  | 'shutdown';

/** One signal for everything that can stop a generation; the first cause is kept. */
export class GenerationStop {
  readonly #controller = new AbortController();
  #cause: StopCause | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get cause(): StopCause | undefined {
    return this.#cause;
  }

  stop(cause: StopCause): void {
    if (this.#cause !== undefined) return;
    this.#cause = cause;
    this.#controller.abort(new Error(`generation stopped: ${cause}`));
  }
}
