import { type Ordered, WaitingLine } from './scheduling/waiting-line.js';

interface Waiter extends Ordered {
  readonly enter: () => void;
}

/** Lets a few callers through at a time: lower priority numbers first, equal ones in order of arrival. */
export class Turnstile {
  private inside = 0;
  private arrivals = 0;
  private readonly line = new WaitingLine<Waiter>();

  constructor(private readonly width: number) {}

  /** Runs `work` when it is the caller's turn. Throws the signal's reason when that comes first. */
  async pass<T>(signal: AbortSignal, work: () => Promise<T>, priority = 0): Promise<T> {
    signal.throwIfAborted();
    if (this.inside >= this.width) await this.turn(signal, priority);
    else this.inside += 1;
    try {
      return await work();
    } finally {
      // The place goes straight to the next in line, so nobody can slip in between.
      const next = this.line.first;
      if (next === undefined) this.inside -= 1;
      else next.enter();
    }
  }

  private turn(signal: AbortSignal, priority: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const leaveLine = () => this.line.remove((other) => other === waiter);
      const onAbort = () => {
        leaveLine();
        reject(signal.reason);
      };
      const enter = () => {
        leaveLine();
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const waiter: Waiter = { priority, arrival: this.arrivals++, enter };
      this.line.add(waiter);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
