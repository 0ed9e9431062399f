import { VllmError } from '../http/vllm-error.js';

interface Waiting {
  readonly enter: () => void;
}

/** Room for so many running requests and a queue in front of it, as vLLM's scheduler has. */
export class Slots {
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  readonly #queue: Waiting[] = [];
  #running = 0;

  constructor(maxRunning: number, maxWaiting: number) {
    this.#maxRunning = maxRunning;
    this.#maxWaiting = maxWaiting;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** True when the next request would have to wait. */
  get isFull(): boolean {
    return this.#running >= this.#maxRunning;
  }

  /** Throws the 503 of vLLM ≥ 0.29 when a request could neither run nor wait. */
  checkRoom(): void {
    if (this.isFull && this.#queue.length >= this.#maxWaiting) {
      throw new VllmError(503, 'The engine queue is full. Please retry later.');
    }
  }

  /** Resolves with the function that frees the slot; rejects with the signal's reason when aborted first. */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.isFull) await this.#wait(signal);
    else this.#running += 1;
    let isFree = false;
    return () => {
      if (isFree) return;
      isFree = true;
      const next = this.#queue.shift();
      if (next === undefined) this.#running -= 1;
      else next.enter();
    };
  }

  /** The one who leaves hands its slot over, so the count of running requests stays as it is. */
  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        enter: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      this.#queue.push(waiting);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
