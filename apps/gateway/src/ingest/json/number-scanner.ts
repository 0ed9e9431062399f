import { isDigit } from './bytes.js';
import { MAX_JSON_NUMBER, Misstep } from './refusals.js';

const ZERO = 0x30;

type State = 'start' | 'minus' | 'zero' | 'integer' | 'point' | 'fraction' | 'e' | 'sign' | 'exponent';

/** The states in which a number may end. */
const complete: ReadonlySet<State> = new Set<State>(['zero', 'integer', 'fraction', 'exponent']);

/** Follows one number by the grammar of RFC 8259 §6. */
export class NumberScanner {
  #state: State = 'start';
  /** The digits before point and exponent, as far as a double can tell them apart. */
  #integer = 0;

  /** `first` is a digit or a minus. */
  start(first: number): void {
    this.#state = after('start', first) ?? 'start';
    this.#integer = this.#state === 'minus' ? 0 : first - ZERO;
  }

  get isComplete(): boolean {
    return complete.has(this.#state);
  }

  /** Returns the first place that does not belong to the number; throws when the number cannot end there. */
  scan(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at]!;
      const next = after(this.#state, byte);
      if (next === undefined) {
        if (!this.isComplete) throw new Misstep(at);
        return at;
      }
      this.#state = next;
      if (next === 'integer') this.#integer = this.#integer * 10 + (byte - ZERO);
    }
    return chunk.length;
  }

  /**
   * Whether reading the number as a double keeps it: nothing whose size is beyond ±(2^53 − 1) does, however it is written
   * (`9007199254740993`, `1e300`, `1e999`). Fractions become the nearest double, as with every JSON reader. The
   * text is asked for only when the digits do not tell.
   */
  isKept(text: () => string): boolean {
    const isInteger = this.#state === 'integer' || this.#state === 'zero';
    const size = isInteger ? this.#integer : Math.abs(Number(text()));
    return size <= MAX_JSON_NUMBER;
  }
}

function after(state: State, byte: number): State | undefined {
  if (isDigit(byte)) return afterDigit(state, byte);
  if (byte === 0x2d) return state === 'start' ? 'minus' : state === 'e' ? 'sign' : undefined;
  if (byte === 0x2b) return state === 'e' ? 'sign' : undefined;
  if (byte === 0x2e) return state === 'zero' || state === 'integer' ? 'point' : undefined;
  if ((byte | 0x20) !== 0x65) return undefined;
  return state === 'zero' || state === 'integer' || state === 'fraction' ? 'e' : undefined;
}

function afterDigit(state: State, byte: number): State | undefined {
  switch (state) {
    case 'start':
    case 'minus':
      return byte === 0x30 ? 'zero' : 'integer';
    case 'zero':
      return undefined;
    case 'integer':
      return 'integer';
    case 'point':
    case 'fraction':
      return 'fraction';
    default:
      return 'exponent';
  }
}
