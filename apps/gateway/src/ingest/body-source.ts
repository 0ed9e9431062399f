import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { FoveaError } from '@fovea/errors';
import { freeNow } from './free-now.js';
import { tooLarge } from './too-large.js';

/** The largest piece of work between two turns of the event loop. */
const MAX_WORK_BYTES = 64 * 1024;

const never = (): Promise<void> => new Promise(() => undefined);

export interface BodySourceOptions {
  readonly signal: AbortSignal;
  readonly maxBytes: number;
}

/**
 * A source may give its chunks away: their memory is freed as soon as they are consumed. Or it may lend some, of a body whose
 * size it has checked: their memory is used again when the borrower returns.
 */
export type Source = Readable & {
  readonly givesChunksAway?: boolean;
  lendTo?(borrower: (chunk: Buffer) => Promise<void> | undefined): void;
};

/** Takes a chunk; a promise asks to hold the source until it resolves. What is lent is not there for that long. */
export type ChunkConsumer = (chunk: Buffer, isLent: boolean) => Promise<void> | undefined;

/**
 * Reads a body to its end, with back-pressure, and counts it. How slow a client may be is the source's to judge. After a failure the source is left paused and nothing more
 * is taken from it: what becomes of the rest of the upload is for whoever answers the request to decide.
 */
export class BodySource {
  #byteSize = 0;
  #isEnded = false;
  #isHeld = false;
  #isSettled = false;
  /** The source broke, or the request was aborted: nothing was wrong with the bytes. */
  isInterrupted = false;
  #resolve: (byteSize: number) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(
    private readonly source: Source,
    private readonly consume: ChunkConsumer,
    private readonly options: BodySourceOptions,
  ) {}

  /** Resolves with the number of bytes when all are consumed. To be called once. */
  read(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      const { source, options } = this;
      if (options.signal.aborted) this.#onAbort();
      else if (source.destroyed) this.#onGone();
      if (this.#isSettled) return;
      options.signal.addEventListener('abort', this.#onAbort);
      source.lendTo?.(this.#onLent);
      source.on('data', this.#onData).on('end', this.#onEnd);
      source.on('error', this.#onGone).on('close', this.#onGone);
    });
  }

  /** Ends the reading with an error. Without effect once the body was read, or another error came first. */
  stop(error: unknown): void {
    if (this.#isSettled) return;
    this.#settle();
    this.source.pause();
    // A socket that breaks later is no news.
    this.source.on('error', () => undefined);
    this.#reject(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    const before = this.#byteSize;
    this.#byteSize += chunk.length;
    const { maxBytes } = this.options;
    try {
      const isOver = this.#byteSize > maxBytes;
      const working = isOver ? this.#takeLast(chunk.subarray(0, maxBytes - before)) : this.#take(chunk);
      if (working === undefined) this.#free(chunk);
      else this.#hold(working, chunk);
    } catch (error) {
      this.stop(error);
    }
  };

  /** Once all is over, or went wrong, the lender waits for ever: nothing more is taken from it. */
  readonly #onLent = (chunk: Buffer): Promise<void> | undefined => {
    this.#byteSize += chunk.length;
    try {
      for (let from = 0; from < chunk.length && !this.#isSettled; from += MAX_WORK_BYTES) {
        const end = from + MAX_WORK_BYTES;
        const working = this.consume(chunk.subarray(from, end), true);
        if (working !== undefined) return this.#holdLent(working, Buffer.from(chunk.subarray(end)));
      }
    } catch (error) {
      this.stop(error);
    }
    return this.#isSettled ? never() : undefined;
  };

  async #holdLent(working: Promise<void>, rest: Buffer): Promise<void> {
    this.#isHeld = true;
    try {
      await working;
      await this.#takeInPieces(rest);
      this.#goOn();
    } catch (error) {
      this.stop(error);
    }
    if (this.#isSettled) await never();
  }

  /** What is wrong with the bytes before the limit is found first, however the body is cut. */
  async #takeLast(chunk: Buffer): Promise<never> {
    this.#isEnded = true;
    await this.#take(chunk);
    throw tooLarge(this.options.maxBytes, undefined);
  }

  #take(chunk: Buffer): Promise<void> | undefined {
    return chunk.length <= MAX_WORK_BYTES ? this.consume(chunk, false) : this.#takeInPieces(chunk);
  }

  async #takeInPieces(chunk: Buffer): Promise<void> {
    for (let from = 0; from < chunk.length && !this.#isSettled; from += MAX_WORK_BYTES) {
      await (this.consume(chunk.subarray(from, from + MAX_WORK_BYTES), false) ?? setImmediate());
    }
  }

  #hold(working: Promise<void>, chunk: Buffer): void {
    this.#isHeld = true;
    this.source.pause();
    working.then(
      () => {
        this.#free(chunk);
        this.#goOn();
      },
      (error: unknown) => this.stop(error),
    );
  }

  #free(chunk: Buffer): void {
    if (this.source.givesChunksAway) freeNow(chunk);
  }

  #goOn(): void {
    if (this.#isSettled) return;
    this.#isHeld = false;
    if (this.#isEnded) this.#onEnd();
    else this.source.resume();
  }

  readonly #onEnd = (): void => {
    this.#isEnded = true;
    if (this.#isHeld || this.#isSettled) return;
    this.#settle();
    this.#resolve(this.#byteSize);
  };

  /** A source that says itself what went wrong is believed; any other has lost its client. */
  readonly #onGone = (error?: Error): void => {
    if (!this.#isEnded)
      this.#interrupt(FoveaError.isInstance(error) ? error : new FoveaError('CLIENT_CLOSED'));
  };

  readonly #onAbort = (): void => this.#interrupt(whileUploading(this.options.signal.reason));

  #interrupt(error: unknown): void {
    this.isInterrupted ||= !this.#isSettled;
    this.stop(error);
  }

  #settle(): void {
    this.#isSettled = true;
    this.options.signal.removeEventListener('abort', this.#onAbort);
    const { source } = this;
    source.off('data', this.#onData).off('end', this.#onEnd);
    source.off('error', this.#onGone).off('close', this.#onGone);
  }
}

/** Time that ran out before the body was there is the upload's, not the model's. */
function whileUploading(reason: unknown): unknown {
  const isTimeout = FoveaError.isInstance(reason) && reason.code === 'TIMEOUT';
  return isTimeout ? new FoveaError('REQUEST_TIMEOUT', { limit: reason.limit }) : reason;
}
