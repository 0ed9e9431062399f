import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { FoveaError } from '@fovea/errors';
import { textMemory } from '../ingest/media/base64.js';
import { tooLarge } from '../ingest/too-large.js';
import { SocketReads } from './socket-reads.js';
import { type PaceLimits, UploadPace } from './upload-pace.js';

export interface WireLimits extends PaceLimits {
  readonly maxBodyBytes: number;
}

const BUFFER_BYTES = 64 * 1024;
const MAX_CHECK_INTERVAL_MS = 1000;

/** Takes a chunk whose memory is used again when it returns; a promise asks to hold the body until it resolves, and never rejects. */
export type LentChunkConsumer = (chunk: Buffer) => Promise<void> | undefined;

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
  #borrower: LentChunkConsumer | undefined;
  #reads: SocketReads | undefined;
  /** Until the borrower is done with a chunk. */
  #working: Promise<void> | undefined;

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

  /**
   * Offers to lend chunks instead of giving them away: of a large body most are then never copied. Those of its begin, and
   * of others all, still come as `data`.
   */
  lendTo(borrower: LentChunkConsumer): void {
    this.#borrower = borrower;
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
    this.#reads?.close();
    if (!request.readableEnded) request.pause();
    callback(error);
  }

  readonly #onData = (piece: Buffer): void => {
    const nowMs = performance.now();
    if (!this.#count(piece.length, nowMs)) return;
    if (this.#borrower !== undefined && this.#reads === undefined) this.#prepareToLend();
    if (this.push(piece)) return;
    this.request.pause();
    this.#pace.pause(nowMs);
  };

  /** Not at once: the parser is still at work on a piece. */
  #prepareToLend(): void {
    const { socket } = this.request;
    if (!SocketReads.isWorthIt(this.request, this.#leftBytes)) return;
    socket.pause();
    setImmediate(() => {
      if (this.destroyed) return;
      this.#takeOver();
      socket.resume();
    });
  }

  /** From here on chunks are lent, if nothing stands before them and this connection can. */
  #takeOver(): void {
    const { request } = this;
    const isIdle = this.readableFlowing === true && this.readableLength === 0 && request.readableLength === 0;
    if (this.#reads !== undefined || request.complete || !isIdle || textMemory === undefined) return;
    const options = { buffer: textMemory, leftBytes: this.#leftBytes, onPiece: this.#onPiece };
    this.#reads = SocketReads.open(request, options);
    if (this.#reads === undefined) this.#borrower = undefined;
  }

  /** Of the declared length. */
  get #leftBytes(): number {
    return Number(this.request.headers['content-length']) - this.#bytes;
  }

  readonly #onPiece = (piece: Buffer): void => {
    const nowMs = performance.now();
    if (!this.#count(piece.length, nowMs)) return;
    const working = this.#lend(piece);
    if (working === undefined) return;
    this.#working = working;
    this.#reads?.hold();
    this.#pace.pause(nowMs);
    void working.then(() => {
      if (this.destroyed || this.#working !== working) return;
      this.#working = undefined;
      this.#pace.wait(performance.now());
      this.#reads?.resume();
    });
  };

  #lend(piece: Buffer): Promise<void> | undefined {
    if (this.#working === undefined) return this.#borrower?.(piece);
    // Somebody else has resumed the socket: in turn all the same.
    const copy = Buffer.from(piece);
    return this.#working.then(() => this.#borrower?.(copy));
  }

  /** False when the body is over with that. */
  #count(byteSize: number, nowMs: number): boolean {
    this.#pace.received(byteSize, nowMs);
    this.#bytes += byteSize;
    try {
      if (this.#bytes > this.limits.maxBodyBytes) throw tooLarge(this.limits.maxBodyBytes, undefined);
      this.onBytes(this.#bytes);
      return true;
    } catch (error) {
      this.destroy(FoveaError.from(error));
      return false;
    }
  }

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
