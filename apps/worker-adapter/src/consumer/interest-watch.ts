import type { TokenStream } from '@fovea/token-stream';
import type { RunningGenerations } from '../generation/running-generations.js';

const INTERVAL_MS = 1_000;

export interface InterestWatchOptions {
  readonly intervalMs?: number;
  /** Told when the leases cannot be read; they are read again after the interval. */
  readonly onError: (error: unknown) => void;
}

/** Cancels what runs here and nobody waits for any more: the gateway that held the connection died, too. */
export class InterestWatch {
  readonly #stream: TokenStream;
  readonly #running: RunningGenerations;
  readonly #options: InterestWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #look: Promise<void> = Promise.resolve();
  #isStopped = true;

  constructor(stream: TokenStream, running: RunningGenerations, options: InterestWatchOptions) {
    this.#stream = stream;
    this.#running = running;
    this.#options = options;
  }

  start(): void {
    this.#isStopped = false;
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#look;
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#look = this.#cancelLapsed().then(() => {
        if (!this.#isStopped) this.#schedule();
      });
    }, this.#options.intervalMs ?? INTERVAL_MS);
  }

  async #cancelLapsed(): Promise<void> {
    const ids = this.#running.ids();
    if (ids.length === 0) return;
    try {
      for (const id of await this.#stream.lapsed(ids)) this.#running.stop(id, 'cancelled');
    } catch (error) {
      this.#options.onError(error);
    }
  }
}
