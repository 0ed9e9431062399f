/** A piece of a value on its way out of a thread; the pieces in their order are the value. */
export type ValuePiece =
  /** Children of the innermost open list or object; `keys` is as long as `values` in an object. The first one is the root. */
  | { readonly keys: readonly string[]; readonly values: readonly unknown[] }
  /** The next child is one that comes in pieces. */
  | { readonly open: 'list' | 'object' | 'text'; readonly key: string }
  /** The next part of the open text. */
  | { readonly text: string }
  | 'close';

/** A value weighs 1, a text 1 more per 64 characters. A piece of this weight is received in less than a millisecond. */
const MAX_WEIGHT = 4096;
const CHARACTERS_PER_WEIGHT = 64;
const MAX_TEXT_CHARACTERS = MAX_WEIGHT * CHARACTERS_PER_WEIGHT;

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null;

function weigh(value: unknown, weights: Map<object, number>): number {
  if (typeof value === 'string') return 1 + Math.floor(value.length / CHARACTERS_PER_WEIGHT);
  if (!isContainer(value)) return 1;
  let weight = 1;
  if (Array.isArray(value)) for (const item of value) weight += weigh(item, weights);
  else
    for (const [key, field] of Object.entries(value)) weight += weigh(key, weights) + weigh(field, weights);
  weights.set(value, weight);
  return weight;
}

function* cutText(text: string): Generator<ValuePiece> {
  for (let at = 0; at < text.length; at += MAX_TEXT_CHARACTERS) {
    yield { text: text.slice(at, at + MAX_TEXT_CHARACTERS) };
  }
}

/** Children of a container, as many as are light in one piece. */
function* cutChildren(container: object, weights: Map<object, number>): Generator<ValuePiece> {
  const isList = Array.isArray(container);
  let keys: string[] = [];
  let values: unknown[] = [];
  let weight = 0;
  for (const [key, value] of isList ? container.entries() : Object.entries(container)) {
    const own = isContainer(value) ? (weights.get(value) ?? 1) : weigh(value, weights);
    const isHeavy = own > MAX_WEIGHT;
    if (values.length > 0 && (isHeavy || weight > MAX_WEIGHT)) {
      yield { keys, values };
      [keys, values, weight] = [[], [], 0];
    }
    if (isHeavy) {
      yield* cutChild(value, `${key}`, weights);
      continue;
    }
    if (!isList) keys.push(`${key}`);
    values.push(value);
    weight += own + (isList ? 0 : weigh(key, weights));
  }
  if (values.length > 0) yield { keys, values };
}

function* cutChild(value: unknown, key: string, weights: Map<object, number>): Generator<ValuePiece> {
  if (typeof value === 'string') {
    yield { open: 'text', key };
    yield* cutText(value);
  } else if (isContainer(value)) {
    yield { open: Array.isArray(value) ? 'list' : 'object', key };
    yield* cutChildren(value, weights);
  }
  yield 'close';
}

/**
 * Cuts a value of JSON into pieces: to receive one from a thread costs as much as to parse it, so a large one in a single
 * message would only move the work back to the event loop. Its depth must be bounded.
 */
export function* cutValue(value: unknown): Generator<ValuePiece> {
  const weights = new Map<object, number>();
  if (weigh(value, weights) <= MAX_WEIGHT) yield { keys: [], values: [value] };
  else yield* cutChild(value, '', weights);
}

interface OpenChild {
  readonly key: string;
  readonly value: unknown[] | Record<string, unknown> | undefined;
  text: string;
}

/** Puts a value together again. Text of several pieces is joined when somebody reads it, not before. */
export class ValueBuilder {
  private readonly root: unknown[] = [];
  private readonly open: OpenChild[] = [{ key: '', value: this.root, text: '' }];

  add(piece: ValuePiece): void {
    const top = this.open.at(-1)!;
    if (piece === 'close') {
      this.open.pop();
      this.put(top.key, top.value ?? top.text);
    } else if ('open' in piece) {
      const value = piece.open === 'text' ? undefined : piece.open === 'list' ? [] : {};
      this.open.push({ key: piece.key, value, text: '' });
    } else if ('text' in piece) {
      top.text += piece.text;
    } else {
      for (const [at, value] of piece.values.entries()) this.put(piece.keys[at] ?? '', value);
    }
  }

  /** Call it behind the last piece. */
  finish(): unknown {
    return this.root[0];
  }

  private put(key: string, value: unknown): void {
    const container = this.open.at(-1)!.value;
    if (Array.isArray(container)) container.push(value);
    else if (container !== undefined) container[key] = value;
  }
}
