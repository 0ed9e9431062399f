import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { FoveaError } from '@fovea/errors';
import { tooLarge } from '../ingest/too-large.js';
import { type PaceLimits, UploadPace } from './upload-pace.js';

export interface WireLimits extends PaceLimits {
  readonly maxBodyBytes: number;
}

const BUFFER_BYTES = 64 * 1024;
const MAX_CHECK_INTERVAL_MS = 1000;

/**
 * The body of a request as it comes off the wire: counted, bounded, and only as fast as it is read. Fails with
 * `PAYLOAD_TOO_LARGE`, `REQUEST_TIMEOUT` for a client that is silent or too slow, `CLIENT_CLOSED`, or with what
 * `onBytes` throws. Destroying it lets go of the request, which stays open for an answer; the rest of the body then
 * stays unread.
 */
export class WireBody extends Readable {
  /** Each chunk is a copy that Node's parser made for us alone. */
  readonly givesChunksAway = true;
  readonly #pace: UploadPace;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `onBytes` hears the size so far with every piece. */
  constructor(
    private readonly request: IncomingMessage,
    private readonly limits: WireLimits,
    private readonly onBytes: (total: number) => void,
  ) {
    super({ highWaterMark: BUFFER_BYTES });
    this.#pace = new UploadPace(limits);
    request.pause();
    request
      .on('data', this.#onData)
      .on('end', this.#onEnd)
      .on('error', this.#onGone)
      .on('close', this.#onGone);
    if (request.destroyed && !request.readableEnded) this.#onGone();
  }

  /** Bytes received so far. */
  get byteSize(): number {
    return this.#bytes;
  }

  override _read(): void {
    this.#pace.wait(performance.now());
    this.#timer ??= setInterval(
      () => this.#checkPace(),
      Math.min(this.limits.idleMs / 4, MAX_CHECK_INTERVAL_MS),
    );
    this.request.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearInterval(this.#timer);
    const { request } = this;
    request
      .off('data', this.#onData)
      .off('end', this.#onEnd)
      .off('error', this.#onGone)
      .off('close', this.#onGone);
    if (!request.readableEnded) request.pause();
    callback(error);
  }

  readonly #onData = (piece: Buffer): void => {
    const nowMs = performance.now();
    this.#pace.received(piece.length, nowMs);
    this.#bytes += piece.length;
    try {
      if (this.#bytes > this.limits.maxBodyBytes) throw tooLarge(this.limits.maxBodyBytes, undefined);
      this.onBytes(this.#bytes);
    } catch (error) {
      this.destroy(FoveaError.from(error));
      return;
    }
    if (this.push(piece)) return;
    this.request.pause();
    this.#pace.pause(nowMs);
  };

  readonly #onEnd = (): void => {
    clearInterval(this.#timer);
    this.request.off('close', this.#onGone);
    this.push(null);
  };

  readonly #onGone = (): void => {
    this.destroy(new FoveaError('CLIENT_CLOSED'));
  };

  #checkPace(): void {
    if (this.#pace.fault(performance.now()) === undefined) return;
    // A loop that was blocked has not yet read what came meanwhile: it is read before this runs.
    setImmediate(() => {
      const fault = this.#pace.fault(performance.now());
      if (fault === undefined || this.readableEnded || this.request.readableEnded) return;
      this.destroy(new FoveaError('REQUEST_TIMEOUT', { limit: { ...fault } }));
    });
  }
}
