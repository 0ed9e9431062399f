import { setTimeout as pause } from 'node:timers/promises';
import { untilAborted } from '../requests/abortable.js';

export interface Degradation {
  /** Added to the next step, in milliseconds. */
  readonly delayMs?: number;
  /** What each step multiplies the delay with. */
  readonly growth?: number;
  /** Steps of the whole engine after which it dies. */
  readonly dieAfterSteps: number;
}

interface Hang {
  readonly over: Promise<void>;
  readonly end: () => void;
}

/** Whether the engine makes steps. It can hang as a whole, or get slower and slower until it dies. */
export class Pulse {
  #hang: Hang | undefined;
  #decline: { delayMs: number; growth: number; stepsLeft: number; onEnd: () => void } | undefined;

  get isHung(): boolean {
    return this.#hang !== undefined;
  }

  /** From now on no request gets a token, and none that leaves gives its slot back, until `resume`. */
  hang(): void {
    if (this.#hang !== undefined) return;
    let end = (): void => undefined;
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#hang = { over, end };
  }

  resume(): void {
    this.#hang?.end();
    this.#hang = undefined;
    this.#decline = undefined;
  }

  /** Every step of any request takes longer than the one before; `onEnd` is called when they are used up. */
  degrade({ delayMs = 1, growth = 1.2, dieAfterSteps }: Degradation, onEnd: () => void): void {
    this.#decline = { delayMs, growth, stepsLeft: dieAfterSteps, onEnd };
  }

  /** Runs it as soon as the engine makes steps: a hung engine does not hear that a client left. */
  whenStepping(action: () => void): void {
    if (this.#hang === undefined) action();
    else void this.#hang.over.then(() => this.whenStepping(action));
  }

  /** Passes at once while the engine is well; rejects with the signal's reason. */
  beat(signal: AbortSignal): Promise<void> | undefined {
    if (this.#hang === undefined && this.#decline === undefined) return undefined;
    return this.#slowBeat(signal);
  }

  async #slowBeat(signal: AbortSignal): Promise<void> {
    if (this.#decline !== undefined) {
      const decline = this.#decline;
      await pause(decline.delayMs, undefined, { signal });
      decline.delayMs *= decline.growth;
      decline.stepsLeft -= 1;
      if (decline.stepsLeft === 0) decline.onEnd();
    }
    while (this.#hang !== undefined) await untilAborted(this.#hang.over, signal);
    signal.throwIfAborted();
  }
}
