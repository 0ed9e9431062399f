import type { FoveaError } from '@fovea/errors';
import type { GateRequest } from '../slots/engine-gate.js';
import type { Engine } from './engine.js';
import type { Run, RunRequest } from './runs/run.js';

/** What a job needs of an engine. */
export interface PlaceRequest extends GateRequest {
  readonly requestId: string;
}

/** A slot on an engine, held while a job runs there. */
export interface Place {
  readonly engine: Engine;
  /** To be called when the job's request goes to the engine; the run has to be ended. */
  begin(request: RunRequest): Run;
  /** The engine had no room after all (503); seconds it asks to be left alone. */
  refused(retryAfterS: number | undefined): void;
  /** Gives the place back, once. */
  release(): void;
}

/** Where claims stand in line; the pool's side of a claim. */
export interface ClaimLine {
  join(claim: Claim): void;
  leave(claim: Claim): void;
}

/** One job's claim on a place. It has a place, waits for one, or was refused because no engine is left. */
export class Claim {
  #request: PlaceRequest;
  /** Its number in line. */
  readonly turn: number;
  readonly #line: ClaimLine;
  #avoided: string | undefined;
  #place: Place | undefined;
  #refusal: FoveaError | undefined;
  #onOutcome: () => void = () => undefined;

  constructor(request: PlaceRequest, turn: number, line: ClaimLine, avoided?: string) {
    this.#request = request;
    this.turn = turn;
    this.#line = line;
    this.#avoided = avoided;
    line.join(this);
  }

  get request(): PlaceRequest {
    return this.#request;
  }

  /** Name of the engine that failed this job before: it is taken only when no other has room. */
  get avoided(): string | undefined {
    return this.#avoided;
  }

  /**
   * Resolves with the place. Rejects with `MODEL_UNAVAILABLE` when no engine is fit, and with the signal's reason when
   * it aborts; the claim has then left the line. One call at a time.
   */
  place(signal: AbortSignal): Promise<Place> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        if (!signal.aborted && this.#isWaiting) return;
        signal.removeEventListener('abort', settle);
        this.#onOutcome = () => undefined;
        if (signal.aborted) {
          this.release();
          reject(signal.reason);
        } else if (this.#place === undefined) reject(this.#refusal);
        else resolve(this.#place);
      };
      this.#onOutcome = settle;
      signal.addEventListener('abort', settle, { once: true });
      settle();
    });
  }

  /** Gives the place back and stands in line again where it stood, for another engine if one has room. */
  again(): void {
    this.#avoided = this.#place?.engine.name ?? this.#avoided;
    this.release();
    this.#place = undefined;
    this.#refusal = undefined;
    this.#line.join(this);
  }

  /** The job turns out to be a suspect: a place it has beside another one is given back, its turn stays. */
  suspect(): void {
    if (this.#request.isSuspect || this.#refusal !== undefined) return;
    this.release();
    this.#request = { ...this.#request, isSuspect: true };
    this.#place = undefined;
    this.#line.join(this);
  }

  /** Gives the place back, or leaves the line. */
  release(): void {
    if (this.#isWaiting) this.#line.leave(this);
    this.#place?.release();
  }

  /** For the line only. */
  grant(place: Place): void {
    this.#place = place;
    this.#onOutcome();
  }

  /** For the line only. */
  refuse(refusal: FoveaError): void {
    this.#refusal = refusal;
    this.#onOutcome();
  }

  get #isWaiting(): boolean {
    return this.#place === undefined && this.#refusal === undefined;
  }
}
