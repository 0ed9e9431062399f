import { untilAborted } from '../requests/abortable.js';

/**
 * The one thread that decodes and resizes images. A request in here is neither waiting nor running for the
 * scheduler, so vLLM's metrics don't show it (issue 44688).
 */
export class Preprocessor {
  #tail: Promise<unknown> = Promise.resolve();
  #inside = 0;

  get count(): number {
    return this.#inside;
  }

  /** Does the work when its turn comes; rejects at once with the signal's reason, and the next one has the turn. */
  async process<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    this.#inside += 1;
    const mine = this.#tail.then(() => {
      signal.throwIfAborted();
      return work();
    });
    this.#tail = mine.catch(() => undefined);
    try {
      return await untilAborted(mine, signal);
    } finally {
      this.#inside -= 1;
    }
  }
}
