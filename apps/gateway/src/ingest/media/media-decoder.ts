import { FoveaError } from '@fovea/errors';
import { QUOTE } from '../json/bytes.js';
import { EscapeReader } from '../json/escape-reader.js';
import { decodeGroups, digitValues } from './base64.js';
import { HeadReader } from './head-reader.js';
import type { MediaForm } from './media-places.js';

const EQUALS = 0x3d;

/** Where decoded bytes go: a buffer that the decoder fills, and which is exchanged when it is full. */
export interface DecodedBytes {
  /** Seen to by `hasRoom`. */
  readonly piece: Buffer;
  readonly capacity: number;
  used: number;
  /** Whether three bytes fit; false means that the consumer is behind, and asks to come again. */
  hasRoom(): boolean;
  end(): void;
}

/**
 * Decodes one medium from the raw text of a JSON string: escapes, the head of a data URL, base64 with its alphabet,
 * padding and length checked. Keeps at most three digits between two calls.
 */
export class MediaDecoder {
  isDone = false;
  #head: HeadReader | undefined;
  readonly #escape = new EscapeReader();
  #bits = 0;
  #digits = 0;
  #padding = 0;
  #isEmpty = true;

  constructor(
    form: MediaForm,
    private readonly path: string,
    private readonly target: DecodedBytes,
  ) {
    if (form === 'data-url') this.#head = new HeadReader(path);
  }

  /**
   * Takes the string's text from behind its opening quote. Returns where it stopped: behind the closing quote (then
   * `isDone`), at the chunk's end, or before, when the target has no room.
   */
  write(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && !this.isDone) {
      if (this.#head !== undefined) {
        at = this.#readHead(chunk, at);
        continue;
      }
      if (!this.target.hasRoom()) return at;
      const taken = this.#isAligned() ? this.#decodeRun(chunk, at) : 0;
      at += taken;
      if (taken > 0) continue;
      this.#step(chunk[at]!, at);
      at += 1;
    }
    return at;
  }

  #isAligned(): boolean {
    return this.#digits === 0 && this.#padding === 0 && !this.#escape.isOpen;
  }

  /** Decodes the whole groups that come next and fit; returns how many bytes of text that was. */
  #decodeRun(chunk: Buffer, at: number): number {
    const { target } = this;
    const room = Math.floor((target.capacity - target.used) / 3) * 4;
    const end = Math.min(chunk.length, at + room);
    const groups = decodeGroups(chunk, at, end, target.piece, target.used);
    target.used += groups * 3;
    if (groups > 0) this.#isEmpty = false;
    return groups * 4;
  }

  /** Takes one byte. */
  #step(byte: number, at: number): void {
    if (byte === QUOTE && !this.#escape.isOpen) {
      this.#finish();
      return;
    }
    const char = this.#escape.read(byte, at);
    if (char === undefined) return;
    this.#isEmpty = false;
    if (char === EQUALS) this.#pad();
    else this.#digit(char);
  }

  #digit(char: number): void {
    const value = digitValues[char] ?? -1;
    if (value < 0) throw this.#invalid('The base64 text has an illegal character.');
    if (this.#padding > 0) throw this.#invalid('The base64 padding is wrong.');
    this.#bits = (this.#bits << 6) | value;
    this.#digits += 1;
    if (this.#digits < 4) return;
    this.#emit(3, this.#bits);
    this.#bits = 0;
    this.#digits = 0;
  }

  #pad(): void {
    this.#padding += 1;
    if (this.#digits < 2 || this.#digits + this.#padding > 4)
      throw this.#invalid('The base64 padding is wrong.');
  }

  #finish(): void {
    if (this.#isEmpty) throw this.#invalid('The image is empty.');
    if (this.#digits > 0) {
      if (this.#digits + this.#padding < 4) {
        throw this.#invalid('The base64 text is cut off: its length is no multiple of 4.');
      }
      // Bits behind the last byte must be zero, or two texts would stand for one image.
      const spare = 2 * this.#padding;
      if ((this.#bits & ((1 << spare) - 1)) !== 0) throw this.#invalid('The base64 padding is wrong.');
      this.#emit(3 - this.#padding, this.#bits << (6 * this.#padding));
    }
    this.isDone = true;
    this.target.end();
  }

  #emit(count: number, bits: number): void {
    for (let index = 0; index < count; index += 1) {
      this.target.piece[this.target.used] = bits >>> (16 - 8 * index);
      this.target.used += 1;
    }
  }

  #readHead(chunk: Buffer, from: number): number {
    const head = this.#head;
    let at = from;
    while (at < chunk.length && head !== undefined && !head.isDone) {
      head.read(chunk[at]!, at);
      at += 1;
    }
    if (head?.isDone) this.#head = undefined;
    return at;
  }

  #invalid(message: string): FoveaError {
    return new FoveaError('INVALID_IMAGE', { message, param: this.path });
  }
}
