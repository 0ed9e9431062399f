import type { DecodedBytes } from './media-decoder.js';
import { PieceQueue } from './piece-queue.js';

/** Multiples of three (base64) and of a page (files). */
const PIECE_BYTES = 60 * 1024;
const LARGE_PIECE_BYTES = 1920 * 1024;
/**
 * From here on pieces are large: each costs a write and some turns of promises. Before, they are small, because the head of
 * an image decides about the rest, and most images end here.
 */
const LARGE_FROM_BYTES = 256 * 1024;
/** The first bytes go out at the end of their chunk instead of when a piece is full: they decide about the rest. */
const EAGER_BYTES = 4 * 1024;

/** What the media of one body have in common. */
export interface Dispatch {
  /** Too many sinks are at work; no further medium may begin. */
  readonly isCrowded: boolean;
  acquire(byteLength: number): Buffer | undefined;
  free(piece: Buffer | undefined): void;
  /** Calls the sink. */
  start(medium: OutgoingMedium): void;
}

/** One medium on its way out: the piece that is being filled and the queue of those that are full. */
export class OutgoingMedium implements DecodedBytes {
  readonly queue: PieceQueue;
  isSettled = false;
  used = 0;
  #piece: Buffer | undefined;
  #handedBytes = 0;

  constructor(
    readonly path: string,
    private readonly dispatch: Dispatch,
  ) {
    this.queue = new PieceQueue((piece) => dispatch.free(piece));
  }

  get piece(): Buffer {
    if (this.#piece === undefined) throw new Error('no piece was acquired');
    return this.#piece;
  }

  get capacity(): number {
    return this.piece.length;
  }

  hasRoom(): boolean {
    if (this.#piece !== undefined) {
      if (this.used < this.capacity) return true;
      this.#handOver();
    }
    if (!this.#isWanted()) return false;
    const isLarge = this.#handedBytes >= LARGE_FROM_BYTES;
    this.#piece = this.dispatch.acquire(isLarge ? LARGE_PIECE_BYTES : PIECE_BYTES);
    return this.#piece !== undefined;
  }

  /** To be called before the reader waits for more of the body. */
  endChunk(): void {
    if (this.used > 0 && this.#handedBytes < EAGER_BYTES) this.#handOver();
  }

  end(): void {
    if (this.used > 0) this.#handOver();
    else this.dispatch.free(this.#piece);
    this.#piece = undefined;
    this.queue.end();
  }

  /** The text is wrong behind what was decoded, which the sink still gets. */
  breakOff(error: unknown): void {
    if (this.used > 0) this.#handOver();
    this.queue.breakOff(error);
  }

  /**
   * Nothing is decoded ahead before the sink has had the first piece and asked for more: most images that are refused are
   * refused by their header. Nor while a sink that has stopped reading is about to say why.
   */
  #isWanted(): boolean {
    if (this.isSettled) return true;
    if (this.#handedBytes === 0) return !this.dispatch.isCrowded;
    return this.queue.asked >= 2 && !this.queue.hasLeft;
  }

  #handOver(): void {
    if (this.#piece === undefined) return;
    if (this.#handedBytes === 0) this.dispatch.start(this);
    this.#handedBytes += this.used;
    this.queue.push(this.#piece.subarray(0, this.used));
    this.#piece = undefined;
    this.used = 0;
  }
}
