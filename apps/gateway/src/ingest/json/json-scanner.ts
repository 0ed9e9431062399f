import type { Place } from '../media/media-places.js';
import { MediaStrings } from '../media/media-strings.js';
import type { MediaTransfers } from '../media/media-transfers.js';
import {
  CLOSE_LIST,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  isBlank,
  isDigit,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
} from './bytes.js';
import { type JsonLimits, Nesting } from './nesting.js';
import { NumberScanner } from './number-scanner.js';
import { cutOff, emptyBody, invalidJson, Misstep, tooMuchText, unsafeNumber } from './refusals.js';
import { Residue } from './residue.js';
import { StringScanner } from './string-scanner.js';

export interface JsonScannerOptions {
  readonly places: Place;
  readonly transfers: MediaTransfers;
  readonly limits: JsonLimits & { readonly textBytes: number };
}

/** What may come next, or the token the reader is in the middle of. */
type State =
  | 'value'
  | 'value-or-end'
  | 'key'
  | 'key-or-end'
  | 'colon'
  | 'comma-or-end'
  | 'nothing'
  | 'key-text'
  | 'text'
  | 'number'
  | 'word'
  | 'media';

const words: ReadonlyMap<number, string> = new Map(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), word]),
);

/**
 * Follows a JSON text byte by byte (RFC 8259, strictly) in whatever chunks it comes. Media go to their sinks, all other
 * text to the residue. Refuses keys that occur twice, numbers that would be rounded, and what is over a limit.
 */
export class JsonScanner {
  readonly #nesting: Nesting;
  readonly #residue: Residue;
  readonly #media: MediaStrings;
  readonly #string = new StringScanner();
  readonly #number = new NumberScanner();
  #state: State = 'value';
  #word = '';
  #wordLength = 0;
  #isBegun = false;
  /** Bytes of the body before the current chunk. */
  #offset = 0;
  /** The last `scan` stopped because a sink is behind. */
  isBlocked = false;
  /** The last `scan` stopped because the text has to be counted. */
  #isCut = false;

  constructor(options: JsonScannerOptions) {
    const { limits, places, transfers } = options;
    this.#nesting = new Nesting(places, limits);
    this.#residue = new Residue({ maxBytes: limits.textBytes, onFull: () => this.#outgrow() });
    this.#media = new MediaStrings(transfers, this.#residue, () => {
      throw tooMuchText(limits.textBytes);
    });
  }

  /** Not all that was scanned has been decoded; to be called again, also without a new chunk. */
  get isBehind(): boolean {
    return this.#media.isReplaying;
  }

  /** Returns where it stopped: at the chunk's end, or before it: then it is to be called again. */
  scan(chunk: Buffer, from: number): number {
    this.isBlocked = false;
    this.#isCut = false;
    if (this.#media.isReplaying) {
      this.isBlocked = !this.#media.replay();
      return from;
    }
    this.#residue.attach(chunk, from);
    let at = from;
    try {
      const piece = this.#withinReach(chunk, from);
      while (at < piece.length && !this.#isStopped) at = this.#step(piece, at);
      this.#residue.detach(at);
    } catch (error) {
      if (error instanceof Misstep) throw invalidJson(this.#offset + error.at, error.reason);
      throw error;
    }
    if (at === chunk.length) this.#offset += chunk.length;
    return at;
  }

  /** The body has ended: the text without its media. Throws when it is not one whole JSON value. */
  finish(): Buffer {
    if (!this.#isBegun) throw emptyBody();
    this.#residue.attach(Buffer.alloc(0), 0);
    if (this.#state === 'number' && this.#number.isComplete) this.#endNumber(0);
    if (this.#state !== 'nothing') throw cutOff();
    return this.#residue.take();
  }

  /** The chunk up to where the text has to be counted. Media do not count. */
  #withinReach(chunk: Buffer, at: number): Buffer {
    const reach = this.#state === 'media' ? chunk.length : this.#residue.reach(at);
    return reach < chunk.length ? chunk.subarray(0, reach) : chunk;
  }

  get #isStopped(): boolean {
    return this.isBlocked || this.#isCut || this.#media.isReplaying;
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case 'text':
        return this.#text(chunk, at);
      case 'key-text':
        return this.#keyText(chunk, at);
      case 'number':
        return this.#digits(chunk, at);
      case 'word':
        return this.#letter(chunk, at);
      case 'media':
        return this.#medium(chunk, at);
      default:
        if (!isBlank(chunk[at]!)) this.#structure(chunk[at]!, at);
        return at + 1;
    }
  }

  #structure(byte: number, at: number): void {
    const state = this.#state;
    if (state === 'value') this.#beginValue(byte, at);
    else if (state === 'comma-or-end') this.#endElement(byte, at);
    else if (state === 'key') this.#beginKey(byte, at);
    else if (state === 'colon' && byte === COLON) this.#state = 'value';
    else if (state === 'value-or-end') {
      if (byte === CLOSE_LIST) this.#close(at);
      else this.#beginValue(byte, at);
    } else if (state === 'key-or-end') {
      if (byte === CLOSE_OBJECT) this.#close(at);
      else this.#beginKey(byte, at);
    } else throw new Misstep(at);
  }

  #beginValue(byte: number, at: number): void {
    this.#isBegun = true;
    const { top } = this.#nesting;
    if (top?.isList) top.index += 1;
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      this.#nesting.open(byte === OPEN_LIST);
      this.#state = byte === OPEN_LIST ? 'value-or-end' : 'key-or-end';
      return;
    }
    this.#nesting.countScalar();
    if (byte === QUOTE) this.#beginText(at);
    else if (byte === 0x2d || isDigit(byte)) {
      this.#number.start(byte);
      this.#residue.mark(at);
      this.#state = 'number';
    } else this.#beginWord(byte, at);
  }

  #beginText(at: number): void {
    this.#string.start();
    this.#residue.mark(at);
    this.#state = 'text';
    const form = this.#nesting.place?.form;
    if (form === undefined) return;
    const { item } = this.#nesting;
    if (item === undefined) return;
    if (this.#media.begin(item, form, this.#nesting.path(), at + 1) === 'text') return;
    this.#residue.pause(at + 1);
    this.#state = 'media';
  }

  #beginWord(byte: number, at: number): void {
    const word = words.get(byte);
    if (word === undefined) throw new Misstep(at);
    this.#word = word;
    this.#wordLength = 1;
    this.#state = 'word';
  }

  #beginKey(byte: number, at: number): void {
    if (byte !== QUOTE) throw new Misstep(at);
    this.#string.start();
    this.#residue.mark(at);
    this.#state = 'key-text';
  }

  #text(chunk: Buffer, from: number): number {
    const at = this.#string.scan(chunk, from);
    if (!this.#string.isDone) return at;
    this.#media.endText(at - 1);
    const { top } = this.#nesting;
    if (top?.place?.mediaType !== undefined && top.key === 'type') {
      this.#media.decide(top, this.#isText(top.place.mediaType, at), at);
    }
    this.#endValue();
    return at;
  }

  #keyText(chunk: Buffer, from: number): number {
    const at = this.#string.scan(chunk, from);
    if (!this.#string.isDone) return at;
    this.#nesting.nextKey(this.#unescaped(at));
    this.#state = 'colon';
    return at;
  }

  #digits(chunk: Buffer, from: number): number {
    const at = this.#number.scan(chunk, from);
    if (at < chunk.length) this.#endNumber(at);
    return at;
  }

  #endNumber(at: number): void {
    const isKept = this.#number.isKept(() => this.#residue.textSinceMark(at));
    if (!isKept) throw unsafeNumber(this.#nesting.path());
    this.#endValue();
  }

  #letter(chunk: Buffer, at: number): number {
    if (chunk[at] !== this.#word.charCodeAt(this.#wordLength)) throw new Misstep(at);
    this.#wordLength += 1;
    if (this.#wordLength === this.#word.length) this.#endValue();
    return at + 1;
  }

  #medium(chunk: Buffer, from: number): number {
    const at = this.#media.write(chunk, from);
    if (this.#media.isReading) {
      this.isBlocked = at < chunk.length;
      return at;
    }
    // The quote that closes the medium is kept: with the one that opened it, it is the empty string.
    this.#residue.resume(at - 1);
    this.#isCut = this.#residue.reach(at - 1) < chunk.length;
    this.#endValue();
    return at;
  }

  #endElement(byte: number, at: number): void {
    const isList = this.#nesting.top?.isList === true;
    if (byte === COMMA) this.#state = isList ? 'value' : 'key';
    else if (byte === (isList ? CLOSE_LIST : CLOSE_OBJECT)) this.#close(at);
    else throw new Misstep(at);
  }

  #close(at: number): void {
    const { top } = this.#nesting;
    if (top?.place?.mediaType !== undefined && top.isMedia === undefined) this.#media.decide(top, false, at);
    this.#nesting.close();
    this.#endValue();
  }

  #endValue(): void {
    this.#state = this.#nesting.top === undefined ? 'nothing' : 'comma-or-end';
  }

  #unescaped(at: number): string {
    const raw = this.#residue.textSinceMark(at);
    return this.#string.hasEscape ? String(JSON.parse(raw)) : raw.slice(1, -1);
  }

  /** Whether the string that ends before `at` is this text, however it is escaped. */
  #isText(text: string, at: number): boolean {
    const longest = text.length * '\\u0000'.length + 2;
    return this.#residue.lengthSinceMark(at) <= longest && this.#unescaped(at) === text;
  }

  #outgrow(): void {
    if (!this.#media.outgrow()) return;
    // The string is read on as a medium.
    this.#state = 'media';
    this.#residue.stop();
  }
}
