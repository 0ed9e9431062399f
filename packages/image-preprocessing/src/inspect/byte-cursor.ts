/** No format needs more bytes than these at once. */
const WINDOW_BYTES = 32;
/** So many bytes are looked at one by one before a search is worth the call of `indexOf`. */
const NEAR_BYTES = 12;

const nothing = Buffer.alloc(0);

/**
 * Walks through a file that comes in pieces, without keeping any.
 *
 * Each move is a question that is asked again until the answer is true: `while (!cursor.gather(8)) yield;`.
 * False means that the piece is used up and the next one must be fed; what was gathered so far is not lost.
 * Between two pieces a cursor holds at most 32 bytes of the file, and never the piece: its buffer may be
 * filled anew as soon as the walk has yielded.
 */
export class ByteCursor {
  /** The bytes that the last `gather` brought, from 0 on. */
  readonly view = new DataView(new ArrayBuffer(WINDOW_BYTES));
  readonly #window = Buffer.from(this.view.buffer);
  #gathered = 0;
  #piece: Buffer = nothing;
  #at = 0;
  #pieceStart = 0;

  /** Where the next byte stands in the file, counted from 0. */
  get position(): number {
    return this.#pieceStart + this.#at;
  }

  /** Hands over the next piece. The one before must be used up, and is let go. */
  feed(piece: Uint8Array): void {
    this.#pieceStart += this.#piece.length;
    this.#piece = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    this.#at = 0;
  }

  /** Lets go of the piece; what was not looked at counts as passed. */
  release(): void {
    this.feed(nothing);
  }

  /** Brings the next `length` bytes (at most 32) into `view` and moves behind them. */
  gather(length: number): boolean {
    const piece = this.#piece;
    while (this.#gathered < length && this.#at < piece.length) {
      this.#window[this.#gathered++] = piece[this.#at++]!;
    }
    if (this.#gathered < length) return false;
    this.#gathered = 0;
    return true;
  }

  /** The first bytes that the last `gather` brought; good until the next one. */
  gathered(length: number): Uint8Array {
    return this.#window.subarray(0, length);
  }

  /** Moves to a position of the file that is not behind the cursor. */
  skipTo(position: number): boolean {
    const target = position - this.#pieceStart;
    const isInPiece = target <= this.#piece.length;
    this.#at = isInPiece ? target : this.#piece.length;
    return isInPiece;
  }

  /** Moves behind the next byte of this value, if the piece has one. */
  skipPast(value: number): boolean {
    const piece = this.#piece;
    const near = this.#at + NEAR_BYTES;
    while (this.#at < near && this.#at < piece.length) if (piece[this.#at++] === value) return true;
    const found = this.#at < piece.length ? piece.indexOf(value, this.#at) : -1;
    this.#at = found < 0 ? piece.length : found + 1;
    return found >= 0;
  }

  /** The bytes of this piece up to a position of the file, and moves behind them. Good until the next `feed`. */
  partUntil(position: number): Uint8Array {
    const start = this.#at;
    this.skipTo(position);
    return this.#piece.subarray(start, this.#at);
  }
}
