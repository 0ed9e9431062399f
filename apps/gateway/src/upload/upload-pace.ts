export interface PaceLimits {
  /** The longest silence of a client while we wait for its bytes. */
  readonly idleMs: number;
  /** The least a client must send, on average over two times `idleMs` of our waiting; 0 asks for nothing. */
  readonly minBytesPerS: number;
}

/** What is wrong with a client's pace, as the name of the limit and what was found instead. */
export interface PaceFault {
  readonly name: 'upload_idle_s' | 'upload_min_bytes_per_s';
  readonly value: number;
  readonly actual: number;
}

const SLOTS = 20;

/**
 * Judges whether a client sends fast enough. Its clock runs only between `wait` and `pause`, so the time in which we
 * did not read (our own back-pressure) is nobody's fault. Times are milliseconds of a monotonic clock.
 */
export class UploadPace {
  readonly #windowMs: number;
  /** Bytes per slot of the window, by slot number modulo length; one more than the window has, for the current one. */
  readonly #slots: number[] = new Array<number>(SLOTS + 1).fill(0);
  #slot = 0;
  #clockMs = 0;
  #waitingSinceMs: number | undefined;
  #lastSignMs = 0;

  constructor(private readonly limits: PaceLimits) {
    this.#windowMs = limits.idleMs * 2;
  }

  /** From now on it is the client's turn. */
  wait(nowMs: number): void {
    if (this.#waitingSinceMs !== undefined) return;
    this.#waitingSinceMs = nowMs;
    this.#lastSignMs = this.#clockMs;
  }

  /** From now on we do not read. */
  pause(nowMs: number): void {
    this.#advance(nowMs);
    this.#waitingSinceMs = undefined;
  }

  received(bytes: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#lastSignMs = this.#clockMs;
    const at = this.#slot % this.#slots.length;
    this.#slots[at] = (this.#slots[at] ?? 0) + bytes;
  }

  /** The first limit that the client broke, if any. */
  fault(nowMs: number): PaceFault | undefined {
    this.#advance(nowMs);
    const { idleMs, minBytesPerS } = this.limits;
    const silentMs = this.#clockMs - this.#lastSignMs;
    if (silentMs >= idleMs)
      return { name: 'upload_idle_s', value: idleMs / 1000, actual: Math.floor(silentMs / 1000) };
    // The grace: nobody is slow before a whole window has been waited.
    if (this.#clockMs < this.#windowMs) return undefined;
    const bytes = this.#slots.reduce((sum, slot) => sum + slot, 0);
    const bytesPerS = bytes / (this.#windowMs / 1000);
    if (bytesPerS >= minBytesPerS) return undefined;
    return { name: 'upload_min_bytes_per_s', value: minBytesPerS, actual: Math.floor(bytesPerS) };
  }

  #advance(nowMs: number): void {
    if (this.#waitingSinceMs === undefined) return;
    this.#clockMs += nowMs - this.#waitingSinceMs;
    this.#waitingSinceMs = nowMs;
    const slot = Math.floor((this.#clockMs * SLOTS) / this.#windowMs);
    const passed = Math.min(slot - this.#slot, this.#slots.length);
    for (let index = 1; index <= passed; index += 1)
      this.#slots[(slot - passed + index) % this.#slots.length] = 0;
    this.#slot = slot;
  }
}
