import type { Pass } from '../health/circuit-breaker.js';

/** A request that goes to an engine. */
export interface RunRequest {
  readonly requestId: string;
  /** Of the job; by it a request that ended engines is known again. */
  readonly fingerprint: string;
  /** Told that the engine hangs: the request has to be aborted. */
  readonly onStall: () => void;
}

/** The end of an engine's process, and all that ran there then. One for each death. */
export interface Death {
  /** The only suspect among them, if there was just one. */
  readonly culprit: Run | undefined;
  /** Resolves when the quarantine knows. Never rejects. */
  readonly recorded: Promise<void>;
}

/** What a failed run says: the engine lives, or its process died; `condemned`: and this request has done it. */
export type Verdict = 'alive' | 'died' | 'condemned';

export interface RunParts {
  readonly isSuspect: boolean;
  readonly pass: Pass;
  /** Says that we wait for the engine; the returned function that we do not. */
  readonly wait: () => () => void;
  readonly onAnswer: () => void;
  readonly onLeave: (run: Run) => void;
  readonly investigate: (run: Run, failure: unknown) => Promise<Verdict>;
}

/** One request on an engine, from the moment it is sent until what its end means is known. */
export class Run {
  readonly request: RunRequest;
  readonly isSuspect: boolean;
  readonly beganAtMs = performance.now();
  /** Set when the engine's process died while this ran, or a moment after it failed. */
  death: Death | undefined;
  readonly #parts: RunParts;
  #stopWaiting: () => void;

  constructor(request: RunRequest, parts: RunParts) {
    this.request = request;
    this.isSuspect = parts.isSuspect;
    this.#parts = parts;
    this.#stopWaiting = parts.wait();
  }

  /** Something of the answer came. */
  answered(): void {
    this.#parts.onAnswer();
  }

  /** Waits for something of ours; that the engine says nothing meanwhile is not its fault. */
  async pauseFor(ours: Promise<void>): Promise<void> {
    this.#stopWaiting();
    await ours;
    this.#stopWaiting = this.#parts.wait();
  }

  /** The answer came to its end. */
  succeeded(): void {
    this.#parts.pass.succeed();
    this.leave();
  }

  /** The engine failed the request; resolves when it is known whether it died of it. */
  async failed(failure: unknown): Promise<Verdict> {
    this.#stopWaiting();
    const verdict = await this.#parts.investigate(this, failure);
    if (verdict === 'alive') this.#parts.pass.fail(this.request.fingerprint);
    this.leave();
    return verdict;
  }

  /** It ended in another way: refused, or aborted by us. */
  leave(): void {
    this.#stopWaiting();
    this.#parts.pass.leave();
    this.#parts.onLeave(this);
  }
}
