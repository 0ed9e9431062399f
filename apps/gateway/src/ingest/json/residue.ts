import { tooMuchText } from './refusals.js';

/** Small texts take their memory from Node's pool; large ones have their own, because a thread is given it whole. */
const POOLED_CAPACITY = 2 * 1024;

export interface ResidueOptions {
  readonly maxBytes: number;
  /** Called when more than `maxBytes` are kept; may make room with `remove`. If it does not, the body is refused. */
  readonly onFull: () => void;
}

/**
 * The text of a body without its media: what is left for `JSON.parse`. Bytes are copied in long runs, at most one per
 * chunk where nothing is left out. Positions count from the residue's begin, those of the current chunk included.
 */
export class Residue {
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  #chunk: Buffer = this.#bytes;
  /** Where in the chunk the bytes begin that belong to the residue and are not copied yet. */
  #from = 0;
  #isKeeping = true;
  #mark = 0;

  constructor(private readonly options: ResidueOptions) {}

  attach(chunk: Buffer, at: number): void {
    this.#chunk = chunk;
    this.#from = at;
  }

  /** Copies what stands before `at`; the chunk may be reused afterwards. */
  detach(at: number): void {
    if (this.#isKeeping) this.#flush(at);
  }

  /** What stands before `at` is kept, from there on nothing is. */
  pause(at: number): void {
    this.detach(at);
    this.stop();
  }

  /** Nothing is kept that has not been copied yet. */
  stop(): void {
    this.#isKeeping = false;
  }

  resume(at: number): void {
    this.#isKeeping = true;
    this.#from = at;
  }

  positionOf(at: number): number {
    return this.#length + at - this.#from;
  }

  /**
   * How far a chunk may be read before what is kept has to be counted: to behind the byte that would be one too many. So
   * the limit is met at the same byte however a body is cut.
   */
  reach(at: number): number {
    return at + this.options.maxBytes - this.#length + 1;
  }

  /** Remembers where a token begins. There is one mark. */
  mark(at: number): void {
    this.#mark = this.positionOf(at);
  }

  /** Length of the text from the mark to `at`. */
  lengthSinceMark(at: number): number {
    return this.positionOf(at) - this.#mark;
  }

  textSinceMark(at: number): string {
    const isCounted = this.positionOf(at) <= this.options.maxBytes;
    if (this.#mark >= this.#length && isCounted) {
      return this.#chunk.toString('utf8', this.#from + this.#mark - this.#length, at);
    }
    this.#flush(at);
    return this.#bytes.toString('utf8', this.#mark, this.#length);
  }

  /** A copy of what stands in a range, or from its begin to the end of what has been copied. */
  slice(from: number, to = this.#length): Buffer {
    return Buffer.from(this.#bytes.subarray(from, to));
  }

  /** Cuts a range out; what stands behind it, the mark included, moves up. */
  remove(from: number, to = this.#length): void {
    this.#bytes.copyWithin(from, to, this.#length);
    this.#length -= to - from;
    if (this.#mark >= to) this.#mark -= to - from;
  }

  /** The whole text. The residue is empty afterwards and the memory the caller's. */
  take(): Buffer {
    const text = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.alloc(0);
    this.#length = 0;
    return text;
  }

  #flush(at: number): void {
    const needed = this.positionOf(at);
    if (needed > this.#bytes.length) this.#grow(needed);
    this.#chunk.copy(this.#bytes, this.#length, this.#from, at);
    this.#length = needed;
    this.#from = at;
    const { maxBytes, onFull } = this.options;
    if (this.#length > maxBytes) onFull();
    if (this.#length > maxBytes) throw tooMuchText(maxBytes);
  }

  #grow(needed: number): void {
    let capacity = Math.max(POOLED_CAPACITY, this.#bytes.length);
    while (capacity < needed) capacity *= 2;
    const isPooled = capacity === POOLED_CAPACITY;
    const grown = isPooled ? Buffer.allocUnsafe(capacity) : Buffer.allocUnsafeSlow(capacity);
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
