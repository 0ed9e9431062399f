import { COMMA, QUOTE } from '../json/bytes.js';
import { EscapeReader } from '../json/escape-reader.js';
import { Misstep } from '../json/refusals.js';
import { assertBase64DataUrl, MAX_HEAD_CHARS } from './data-url.js';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads the head of a data URL from the raw text of a JSON string, up to its comma, and judges it. */
export class HeadReader {
  isDone = false;
  readonly #raw: number[] = [];
  readonly #escape = new EscapeReader();
  #chars = 0;

  constructor(private readonly path: string) {}

  /** Throws `EXTERNAL_IMAGE_URL` or `INVALID_IMAGE` when this is not the head of a base64 data URL. */
  read(byte: number, at: number): void {
    const isEnd = byte === QUOTE && !this.#escape.isOpen;
    const isFull = this.#chars >= MAX_HEAD_CHARS && !isTail(byte);
    if (isEnd || isFull) {
      this.#judge(at);
      return;
    }
    this.#raw.push(byte);
    const char = this.#escape.read(byte, at);
    if (char === undefined || isTail(byte)) return;
    this.#chars += byte >= 0xf0 ? 2 : 1;
    if (char === COMMA) this.#judge(at);
  }

  #judge(at: number): void {
    assertBase64DataUrl(this.#text(at), this.path);
    this.isDone = true;
  }

  #text(at: number): string {
    let raw: string;
    try {
      raw = utf8.decode(Uint8Array.from(this.#raw));
    } catch {
      throw new Misstep(at, 'utf-8');
    }
    return String(JSON.parse(`"${raw}"`));
  }
}

/** A byte in the middle of a UTF-8 sequence. */
const isTail = (byte: number): boolean => (byte & 0xc0) === 0x80;
