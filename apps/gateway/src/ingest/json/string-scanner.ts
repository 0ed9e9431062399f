import { BACKSLASH, hexValue, LETTER_U, QUOTE, shortEscapes } from './bytes.js';
import { Misstep } from './refusals.js';

/** 1 for every byte that a string may hold and that asks for nothing: ASCII without quote, backslash and controls. */
const plain = new Uint8Array(256).fill(1, 0x20, 0x80);
plain[QUOTE] = 0;
plain[BACKSLASH] = 0;

/** Follows one string from behind its opening quote: escapes, control characters, UTF-8 (RFC 3629). */
export class StringScanner {
  isDone = false;
  hasEscape = false;
  #isEscaped = false;
  #hexDigitsLeft = 0;
  /** Bytes that the current UTF-8 sequence still needs, and the range of the next one. */
  #tailLeft = 0;
  #tailMin = 0x80;
  #tailMax = 0xbf;

  start(): void {
    this.isDone = false;
    this.hasEscape = false;
  }

  /** Returns where it stopped: behind the closing quote (then `isDone`) or at the chunk's end. */
  scan(chunk: Buffer, from: number): number {
    let at = from;
    const end = chunk.length;
    while (at < end) {
      if (this.#tailLeft > 0) this.#tail(chunk[at]!, at);
      else if (this.#hexDigitsLeft > 0) this.#hex(chunk[at]!, at);
      else if (this.#isEscaped) this.#escaped(chunk[at]!, at);
      else {
        while (at < end && plain[chunk[at]!] === 1) at += 1;
        if (at === end) break;
        if (chunk[at] === QUOTE) {
          this.isDone = true;
          return at + 1;
        }
        this.#special(chunk[at]!, at);
      }
      at += 1;
    }
    return at;
  }

  #special(byte: number, at: number): void {
    if (byte === BACKSLASH) {
      this.#isEscaped = true;
      this.hasEscape = true;
    } else if (byte < 0x20) throw new Misstep(at);
    else this.#lead(byte, at);
  }

  #escaped(byte: number, at: number): void {
    this.#isEscaped = false;
    if (byte === LETTER_U) this.#hexDigitsLeft = 4;
    else if (!shortEscapes.has(byte)) throw new Misstep(at);
  }

  #hex(byte: number, at: number): void {
    if (hexValue(byte) < 0) throw new Misstep(at);
    this.#hexDigitsLeft -= 1;
  }

  #lead(byte: number, at: number): void {
    // 0xc0 and 0xc1 could only begin overlong forms, 0xf5 and above code points that do not exist.
    if (byte < 0xc2 || byte > 0xf4) throw new Misstep(at, 'utf-8');
    this.#tailLeft = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    this.#tailMin = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    // Behind 0xed stand the surrogates, behind 0xf4 the end of Unicode.
    this.#tailMax = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
  }

  #tail(byte: number, at: number): void {
    if (byte < this.#tailMin || byte > this.#tailMax) throw new Misstep(at, 'utf-8');
    this.#tailLeft -= 1;
    this.#tailMin = 0x80;
    this.#tailMax = 0xbf;
  }
}
