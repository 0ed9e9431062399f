import { BACKSLASH, hexValue, LETTER_U, shortEscapes } from './bytes.js';
import { Misstep } from './refusals.js';

/** Undoes the escapes of a JSON string, byte by byte. Bytes above ASCII come out as they are. */
export class EscapeReader {
  #isEscaped = false;
  #hexDigitsLeft = 0;
  #unit = 0;

  /** In the middle of an escape. */
  get isOpen(): boolean {
    return this.#isEscaped || this.#hexDigitsLeft > 0;
  }

  /** The byte or UTF-16 unit that is complete with this byte; undefined inside an escape. */
  read(byte: number, at: number): number | undefined {
    if (this.#hexDigitsLeft > 0) return this.#hex(byte, at);
    if (this.#isEscaped) return this.#escaped(byte, at);
    if (byte < 0x20) throw new Misstep(at);
    if (byte !== BACKSLASH) return byte;
    this.#isEscaped = true;
    return undefined;
  }

  #escaped(byte: number, at: number): number | undefined {
    this.#isEscaped = false;
    if (byte === LETTER_U) {
      this.#hexDigitsLeft = 4;
      this.#unit = 0;
      return undefined;
    }
    const char = shortEscapes.get(byte);
    if (char === undefined) throw new Misstep(at);
    return char;
  }

  #hex(byte: number, at: number): number | undefined {
    const value = hexValue(byte);
    if (value < 0) throw new Misstep(at);
    this.#unit = this.#unit * 16 + value;
    this.#hexDigitsLeft -= 1;
    return this.#hexDigitsLeft === 0 ? this.#unit : undefined;
  }
}
