/** A job that waits for its part of a call. */
export interface Pending<Request, Answer> {
  readonly request: Request;
  readonly signal: AbortSignal;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

export interface BatchLimits {
  /** How long the first job of a batch waits for others, in ms. */
  readonly waitMs: number;
  /** Most texts of one call; a job with more goes alone. */
  readonly maxInputs: number;
}

/** What jobs of one kind are, and how they become one call. */
export interface BatchKind<Request, Answer> {
  /** Jobs with the same one may share a call. */
  readonly keyOf: (request: Request) => string;
  readonly inputsOf: (request: Request) => number;
  readonly join: (requests: readonly [Request, ...Request[]]) => Request;
  /** What the job at a place of the batch gets of the answer to all. */
  readonly share: (answer: Answer, requests: readonly Request[], at: number) => Answer;
  /** The call failed for what was in it, so each job is tried alone. */
  readonly mayRepeatAlone: (error: unknown) => boolean;
  readonly call: (request: Request, signal: AbortSignal) => Promise<Answer>;
}

/**
 * Puts the jobs of one engine into few calls: those of one kind that come within the wait go out together. An engine batches texts of one call better than calls, and a call costs as much as a text.
 *
 * A job never suffers from its neighbours: a call that is refused for what is in it is repeated for each job alone, and
 * one that fails otherwise fails for all, who may then try elsewhere. A call ends when nobody waits for it any more.
 */
export class Batcher<Request, Answer> {
  readonly #kind: BatchKind<Request, Answer>;
  readonly #limits: BatchLimits;
  /** By the key of their kind. */
  readonly #waiting = new Map<string, Pending<Request, Answer>[]>();

  constructor(kind: BatchKind<Request, Answer>, limits: BatchLimits) {
    this.#kind = kind;
    this.#limits = limits;
  }

  /**
   * As the engine's own call. The tokens of a call are shared out by the length of the texts, since engines count
   * only the whole of it.
   */
  run(request: Request, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const key = this.#kind.keyOf(request);
      const pending: Pending<Request, Answer> = { request, signal, resolve, reject };
      signal.addEventListener('abort', () => this.#leave(key, pending), { once: true });
      this.#join(key, pending);
    });
  }

  #join(key: string, pending: Pending<Request, Answer>): void {
    const line = this.#waiting.get(key) ?? [];
    const { inputsOf } = this.#kind;
    const inputs = line.reduce((sum, { request }) => sum + inputsOf(request), 0);
    if (line.length > 0 && inputs + inputsOf(pending.request) > this.#limits.maxInputs) {
      this.#send(key);
      this.#join(key, pending);
      return;
    }
    line.push(pending);
    if (line.length > 1) return;
    this.#waiting.set(key, line);
    // A batch that is full before is no longer the one in line.
    setTimeout(() => this.#waiting.get(key) === line && this.#send(key), this.#limits.waitMs);
  }

  #leave(key: string, pending: Pending<Request, Answer>): void {
    const line = this.#waiting.get(key);
    const place = line?.indexOf(pending) ?? -1;
    // In place: the timer knows its batch by the list.
    if (place >= 0) line?.splice(place, 1);
    if (line?.length === 0) this.#waiting.delete(key);
    pending.reject(pending.signal.reason);
  }

  #send(key: string): void {
    const batch = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    void this.#call(batch);
  }

  /** Never rejects: each job is told its own end. */
  async #call(batch: readonly Pending<Request, Answer>[]): Promise<void> {
    const [first, ...others] = batch;
    if (first === undefined) return;
    const { join, share, call, mayRepeatAlone } = this.#kind;
    const stop = new AbortController();
    const look = (): void => {
      if (batch.every(({ signal }) => signal.aborted)) stop.abort(first.signal.reason);
    };
    for (const { signal } of batch) signal.addEventListener('abort', look, { once: true });
    look();
    try {
      const requests = [first.request, ...others.map(({ request }) => request)] as const;
      const answer = await call(others.length === 0 ? first.request : join(requests), stop.signal);
      for (const [at, { resolve }] of batch.entries()) resolve(share(answer, requests, at));
    } catch (error) {
      if (batch.length > 1 && mayRepeatAlone(error)) {
        await Promise.all(batch.map((pending) => this.#call([pending])));
      } else for (const { reject } of batch) reject(error);
    } finally {
      for (const { signal } of batch) signal.removeEventListener('abort', look);
    }
  }
}
