import { availableParallelism } from 'node:os';
import sharp from 'sharp';
import { normaliseImage } from './normalise-image.js';
import type { Recipe } from './recipe.js';

/** Normalises pictures, a bounded number at once. */
export interface ImageWorkers {
  /**
   * As `normaliseImage`, when its turn comes. Rejects with the signal's reason when that aborts; a decoding that has begun
   * goes on and keeps its place until it is done, since libvips cannot be stopped safely.
   */
  normalise(
    source: Uint8Array | string,
    recipe: Recipe,
    options: { readonly path: string; readonly signal?: AbortSignal },
  ): Promise<Buffer>;
  readonly running: number;
  readonly waiting: number;
}

/** libuv's pool has four threads, which files and names of hosts need, too. */
const DEFAULT_LIMIT = Math.min(2, availableParallelism());

/**
 * Bounds how many pictures are worked on at once, to keep the processor and, at up to 250 MB each, the memory. Waiters
 * are served in their order; how many there are is bounded by whoever asks.
 *
 * Sets libvips up for a server, for the whole process: one thread per picture, since several pictures use the cores
 * better than one, and no cache of what it did, since no picture comes twice.
 */
export function createImageWorkers(limit: number = DEFAULT_LIMIT): ImageWorkers {
  sharp.concurrency(1);
  sharp.cache(false);
  let running = 0;
  const queue = new Set<() => void>();

  const release = (): void => {
    running -= 1;
    const [next] = queue;
    if (next === undefined) return;
    queue.delete(next);
    next();
  };
  /** Resolves holding a place, or rejects holding none. */
  const acquire = (signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const start = (): void => {
        signal?.removeEventListener('abort', abandon);
        running += 1;
        resolve();
      };
      const abandon = (): void => {
        queue.delete(start);
        reject(signal?.reason);
      };
      if (signal?.aborted) reject(signal.reason);
      else if (running < limit) start();
      else {
        queue.add(start);
        signal?.addEventListener('abort', abandon, { once: true });
      }
    });

  return {
    async normalise(source, recipe, { path, signal }) {
      await acquire(signal);
      const work = normaliseImage(source, recipe, path).finally(release);
      return signal === undefined ? work : unlessAborted(work, signal);
    },
    get running() {
      return running;
    },
    get waiting() {
      return queue.size;
    },
  };
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abandon = (): void => reject(signal.reason);
    if (signal.aborted) abandon();
    signal.addEventListener('abort', abandon, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abandon));
  });
}
