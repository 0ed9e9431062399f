import type { Backend, EngineLoad } from '@fovea/backends';
import { pause } from '../pause.js';
import { boundedCall } from './health/bounded-call.js';

export interface LoadWatchOptions {
  readonly intervalMs: number;
  /** Asked before each poll: an engine that does nothing for us is left in peace. */
  readonly isNeeded: () => boolean;
  /** Called before each poll; what it returns is called with the figures. */
  readonly onPoll: () => (load: EngineLoad) => void;
  /** A poll brought nothing. */
  readonly onMiss: () => void;
  /** Nothing is polled any more. */
  readonly onRest: () => void;
}

/** A poll that takes longer brings figures nobody trusts any more. */
const TIMEOUT_INTERVALS = 2;

/** Asks an engine for its load while that matters. */
export class LoadWatch {
  readonly #backend: Backend;
  readonly #options: LoadWatchOptions;
  readonly #stopped = new AbortController();
  #loop: Promise<void> | undefined;
  #lastPollAtMs = Number.NEGATIVE_INFINITY;

  constructor(backend: Backend, options: LoadWatchOptions) {
    this.#backend = backend;
    this.#options = options;
  }

  /** To be called when it may be needed; polls until it is not. */
  wake(): void {
    if (this.#stopped.signal.aborted || !this.#options.isNeeded()) return;
    this.#loop ??= this.#poll(this.#stopped.signal).finally(() => {
      this.#loop = undefined;
      this.wake();
    });
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new Error('the worker leaves'));
    await this.#loop;
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { intervalMs, isNeeded, onRest } = this.#options;
    await pause(this.#lastPollAtMs + intervalMs - performance.now(), signal);
    while (!signal.aborted && isNeeded()) {
      this.#lastPollAtMs = performance.now();
      await this.#pollOnce(signal);
      await pause(this.#lastPollAtMs + intervalMs - performance.now(), signal);
    }
    onRest();
  }

  async #pollOnce(signal: AbortSignal): Promise<void> {
    const { intervalMs, onPoll, onMiss } = this.#options;
    const onLoad = onPoll();
    try {
      const timeoutMs = intervalMs * TIMEOUT_INTERVALS;
      onLoad(await boundedCall(signal, timeoutMs, (bounded) => this.#backend.load(bounded)));
    } catch {
      // An engine without figures is none that is broken: health has its own eyes.
      if (!signal.aborted) onMiss();
    }
  }
}
