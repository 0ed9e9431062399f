import { FoveaError } from '@fovea/errors';

/** A place among the accepted requests; give it back exactly once. */
export interface Place {
  release(): void;
}

/** Counts the sequences a model has accepted and refuses more than run and wait together. */
export class Admission {
  private accepted = 0;

  constructor(
    private readonly maxRunning: number,
    private readonly maxWaiting: number,
  ) {}

  /** Sequences that are waiting, being prepared, or running. */
  get inFlight(): number {
    return this.accepted;
  }

  /** Takes a place for that many sequences. Throws `QUEUE_FULL` before any work is done for them. */
  enter(sequences: number): Place {
    const bound = this.maxRunning + this.maxWaiting;
    if (this.accepted + sequences > bound) {
      throw new FoveaError('QUEUE_FULL', {
        message: `The engine has ${this.accepted} requests running or queued; at most ${bound} are accepted.`,
        limit: { name: 'max_queued_requests', value: bound, actual: this.accepted + sequences },
        retryAfterS: 1,
      });
    }
    this.accepted += sequences;
    let isOpen = true;
    return {
      release: () => {
        if (isOpen) this.accepted -= sequences;
        isOpen = false;
      },
    };
  }
}
