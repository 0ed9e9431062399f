import { FoveaError } from '@fovea/errors';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** No sane engine line comes near it: a chunk with 20 logprobs is some KiB. */
const defaultMaxLineBytes = 8 * 1024 * 1024;

/**
 * Turns the bytes of a server-sent event stream into the data of its events, however the bytes are cut: lines are
 * found in bytes and decoded whole, so that no UTF-8 sequence is ever split. LF, CRLF and CR end a line; comments
 * and fields other than `data` are skipped.
 */
export class SseDecoder {
  readonly #maxBytes: number;
  #line: Buffer[] = [];
  /** Bytes of the line and the event that are not complete yet. */
  #heldBytes = 0;
  #eventBytes = 0;
  #data: string[] = [];
  #endedWithReturn = false;
  #isFirstLine = true;

  constructor(maxLineBytes = defaultMaxLineBytes) {
    this.#maxBytes = maxLineBytes;
  }

  /** Data of the events these bytes complete. Throws `BACKEND_ERROR` when a line or an event has no end. */
  push(bytes: Uint8Array): string[] {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const events: string[] = [];
    let start = this.#skipLineFeed(buffer);
    let nextReturn = buffer.indexOf(carriageReturn, start);
    while (start < buffer.length) {
      if (nextReturn !== -1 && nextReturn < start) nextReturn = buffer.indexOf(carriageReturn, start);
      const nextFeed = buffer.indexOf(lineFeed, start);
      const isReturn = nextReturn !== -1 && (nextFeed === -1 || nextReturn < nextFeed);
      const end = isReturn ? nextReturn : nextFeed;
      if (end === -1) break;
      this.#endLine(this.#takeLine(buffer, start, end), events);
      start = end + 1;
      if (isReturn && start === buffer.length) this.#endedWithReturn = true;
      else if (isReturn && buffer[start] === lineFeed) start += 1;
    }
    if (start < buffer.length) this.#hold(buffer.subarray(start));
    return events;
  }

  /** What the stream's end completes: an event whose lines are whole but whose blank line is missing. */
  end(): string[] {
    const events: string[] = [];
    this.#endLine('', events);
    return events;
  }

  /** The feed of a CRLF that was cut between its two bytes. */
  #skipLineFeed(buffer: Buffer): number {
    if (buffer.length === 0) return 0;
    const skip = this.#endedWithReturn && buffer[0] === lineFeed ? 1 : 0;
    this.#endedWithReturn = false;
    return skip;
  }

  #hold(rest: Buffer): void {
    this.#bound(this.#heldBytes + rest.length);
    // A copy: the socket's buffer may be a small part of a large one that would stay alive.
    this.#line.push(Buffer.from(rest));
    this.#heldBytes += rest.length;
  }

  #takeLine(buffer: Buffer, start: number, end: number): string {
    this.#bound(this.#heldBytes + end - start);
    if (this.#line.length === 0) return buffer.toString('utf8', start, end);
    const line = Buffer.concat([...this.#line, buffer.subarray(start, end)]).toString('utf8');
    this.#line = [];
    this.#heldBytes = 0;
    return line;
  }

  #endLine(line: string, events: string[]): void {
    const text = this.#isFirstLine && line.startsWith('\ufeff') ? line.slice(1) : line;
    this.#isFirstLine = false;
    if (text === '') {
      if (this.#data.length > 0) events.push(this.#data.join('\n'));
      this.#data = [];
      this.#eventBytes = 0;
    } else if (text === 'data') {
      this.#data.push('');
    } else if (text.startsWith('data:')) {
      const value = text.slice(text[5] === ' ' ? 6 : 5);
      this.#eventBytes += value.length + 1;
      this.#bound(this.#eventBytes);
      this.#data.push(value);
    }
  }

  #bound(bytes: number): void {
    if (bytes <= this.#maxBytes) return;
    throw new FoveaError('BACKEND_ERROR', {
      detail: `a line of the event stream exceeds ${this.#maxBytes} bytes`,
    });
  }
}
