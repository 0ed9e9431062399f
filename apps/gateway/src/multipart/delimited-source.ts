const CRLF = Buffer.from('\r\n');
const DASHES = Buffer.from('--');
const BLANK_LINE = Buffer.from('\r\n\r\n');
const CARRIAGE_RETURN = 0x0d;
const MAX_PADDING_BYTES = 64;

const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09;

/** The source ended where the form did not. */
export class SourceEnded extends Error {
  override readonly name = 'SourceEnded';
}

/**
 * The bytes of a form as delimiters cut them. Reads only when asked and keeps at most one piece of the source; pieces
 * pass on as views of it, without a copy unless a delimiter may straddle two. The source is never closed
 * from here: it belongs to the caller, who may want to drain it.
 */
export class DelimitedSource {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #delimiter: Buffer;
  // The first delimiter has no line in front of it.
  #buffer: Buffer = CRLF;

  constructor(source: AsyncIterable<Uint8Array>, boundary: string) {
    this.#source = source[Symbol.asyncIterator]();
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  }

  /** Everything up to the next delimiter, which is passed. Throws `SourceEnded`. */
  async *untilDelimiter(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const at = this.#buffer.indexOf(this.#delimiter);
      const end = at < 0 ? this.#buffer.length - this.#undecidedBytes() : at;
      const piece = this.#buffer.subarray(0, end);
      this.#buffer = this.#buffer.subarray(at < 0 ? end : at + this.#delimiter.length);
      if (piece.length > 0) yield piece;
      if (at >= 0) return;
      await this.#more();
    }
  }

  /** After a delimiter: does another part follow, or is this the end? Undefined when it is neither. */
  async next(): Promise<'part' | 'end' | undefined> {
    await this.#atLeast(2);
    if (this.#startsWith(DASHES)) return 'end';
    // Transport padding of RFC 2046, which mail knows and HTTP clients do not.
    for (let count = 0; isBlank(this.#buffer[0]) && count < MAX_PADDING_BYTES; count += 1) {
      this.#buffer = this.#buffer.subarray(1);
      await this.#atLeast(2);
    }
    return this.#startsWith(CRLF) ? 'part' : undefined;
  }

  /** The header lines behind a delimiter, up to the blank line, which is passed. Undefined when they are longer than allowed. */
  async head(maxBytes: number): Promise<Buffer | undefined> {
    for (;;) {
      const at = this.#buffer.indexOf(BLANK_LINE);
      const known = at < 0 ? this.#buffer.length - BLANK_LINE.length : at;
      if (known > maxBytes + CRLF.length) return undefined;
      if (at >= 0) {
        const block = this.#buffer.subarray(Math.min(CRLF.length, at), at);
        this.#buffer = this.#buffer.subarray(at + BLANK_LINE.length);
        return block;
      }
      await this.#more();
    }
  }

  /** Reads and drops what follows the form, so that the body is counted to its end. */
  async drain(): Promise<void> {
    this.#buffer = Buffer.alloc(0);
    while ((await this.#source.next()).done !== true);
  }

  /** Length of the longest end of the buffer that may be the beginning of a delimiter. A boundary holds no CR. */
  #undecidedBytes(): number {
    const tail = this.#buffer.subarray(Math.max(0, this.#buffer.length - this.#delimiter.length + 1));
    const at = tail.lastIndexOf(CARRIAGE_RETURN);
    if (at < 0) return 0;
    const candidate = tail.subarray(at);
    return candidate.equals(this.#delimiter.subarray(0, candidate.length)) ? candidate.length : 0;
  }

  #startsWith(text: Buffer): boolean {
    return this.#buffer.subarray(0, text.length).equals(text);
  }

  async #atLeast(bytes: number): Promise<void> {
    while (this.#buffer.length < bytes) await this.#more();
  }

  async #more(): Promise<void> {
    const next = await this.#source.next();
    if (next.done === true) throw new SourceEnded();
    const { buffer, byteOffset, byteLength } = next.value;
    const piece = Buffer.from(buffer, byteOffset, byteLength);
    this.#buffer = this.#buffer.length === 0 ? piece : Buffer.concat([this.#buffer, piece]);
  }
}
