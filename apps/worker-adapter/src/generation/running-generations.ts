import type { GenerationStop, StopCause } from './triggers/generation-stop.js';

/** The generations this process runs, by request id, so that they can be stopped and waited for. */
export class RunningGenerations {
  readonly #stops = new Map<string, GenerationStop>();
  #idleListeners: (() => void)[] = [];

  get size(): number {
    return this.#stops.size;
  }

  ids(): string[] {
    return [...this.#stops.keys()];
  }

  /** The returned function takes the generation off the list. A second attempt of the same id replaces the first. */
  add(requestId: string, stop: GenerationStop): () => void {
    this.#stops.set(requestId, stop);
    return () => {
      if (this.#stops.get(requestId) === stop) this.#stops.delete(requestId);
      if (this.#stops.size > 0) return;
      const listeners = this.#idleListeners;
      this.#idleListeners = [];
      for (const listener of listeners) listener();
    };
  }

  stop(requestId: string, cause: StopCause): void {
    this.#stops.get(requestId)?.stop(cause);
  }

  stopAll(cause: StopCause): void {
    for (const stop of this.#stops.values()) stop.stop(cause);
  }

  /** Resolves when nothing runs any more. */
  untilIdle(): Promise<void> {
    if (this.#stops.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleListeners.push(resolve));
  }
}
