interface Waiter {
  readonly weight: number;
  grant(release: () => void): void;
}

/**
 * Room for the blobs that running requests hold in memory, in bytes; first come first served. A request over the
 * capacity counts as the whole of it, so that it runs alone instead of never.
 */
export class BlobRoom {
  readonly capacity: number;
  readonly #waiters: Waiter[] = [];
  #used = 0;

  constructor(capacity: number) {
    if (!(capacity > 0)) throw new RangeError(`capacity must be positive, got ${capacity}`);
    this.capacity = capacity;
  }

  get used(): number {
    return this.#used;
  }

  /** Waits for room; the returned function gives it back, once. Rejects with the signal's reason when aborted. */
  acquire(signal: AbortSignal, weight: number): Promise<() => void> {
    const bounded = Math.min(weight, this.capacity);
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        const place = this.#waiters.indexOf(waiter);
        if (place >= 0) this.#waiters.splice(place, 1);
        reject(signal.reason);
        this.#grantNext();
      };
      const waiter: Waiter = {
        weight: bounded,
        grant: (release) => {
          signal.removeEventListener('abort', onAbort);
          resolve(release);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
      this.#grantNext();
    });
  }

  /** Only the head is looked at: a small request that overtook a large one could starve it. */
  #grantNext(): void {
    for (;;) {
      const head = this.#waiters[0];
      if (head === undefined || this.#used + head.weight > this.capacity) return;
      this.#waiters.shift();
      this.#used += head.weight;
      let released = false;
      head.grant(() => {
        if (released) return;
        released = true;
        this.#used -= head.weight;
        this.#grantNext();
      });
    }
  }
}
