import { formatPath } from '../field-path.js';
import type { Place } from '../media/media-places.js';
import { duplicateKey, overLimit } from './refusals.js';

export interface JsonLimits {
  /** How deep lists and objects may be nested. */
  readonly depth: number;
  /** Lists and objects together. */
  readonly containers: number;
  readonly scalars: number;
  /** Keys of one object. */
  readonly keys: number;
}

const MAX_KEY_TEXT = 64;

/** One list or object that is open. */
export class Frame {
  index = -1;
  key = '';
  #keys: Set<string> | undefined;
  /** Set on items: whether this one is a medium, or undefined as long as its `type` has not been seen. */
  isMedia: boolean | undefined;

  constructor(
    readonly isList: boolean,
    readonly place: Place | undefined,
  ) {}

  /** False when the object has the key already. */
  add(key: string): boolean {
    this.key = key;
    this.#keys ??= new Set();
    const before = this.#keys.size;
    return this.#keys.add(key).size > before;
  }

  get size(): number {
    return this.#keys?.size ?? 0;
  }

  /** The place of the value that comes next, or is being read. */
  get child(): Place | undefined {
    return this.isList ? this.place?.element : this.place?.keys.get(this.key);
  }
}

/** The open lists and objects of a document, its counts, and where the reader stands in it. */
export class Nesting {
  readonly #frames: Frame[] = [];
  #containers = 0;
  #scalars = 0;

  constructor(
    private readonly root: Place,
    private readonly limits: JsonLimits,
  ) {}

  get top(): Frame | undefined {
    return this.#frames.at(-1);
  }

  /** The place of the value that comes next, or is being read. */
  get place(): Place | undefined {
    const frame = this.top;
    return frame === undefined ? this.root : frame.child;
  }

  /** The innermost open item that may hold a medium. */
  get item(): Frame | undefined {
    return this.#frames.findLast((frame) => frame.place?.mediaType !== undefined);
  }

  open(isList: boolean): void {
    const { depth, containers } = this.limits;
    this.#containers += 1;
    if (this.#containers > containers) throw overLimit(this.path(), 'max_json_containers', containers);
    if (this.#frames.length === depth) throw overLimit(this.path(), 'max_json_depth', depth);
    this.#frames.push(new Frame(isList, this.place));
  }

  close(): void {
    this.#frames.pop();
  }

  nextKey(key: string): void {
    const frame = this.top;
    if (frame === undefined) return;
    if (!frame.add(key)) throw duplicateKey(this.path());
    if (frame.size > this.limits.keys) throw overLimit(this.path(), 'max_json_keys', this.limits.keys);
  }

  countScalar(): void {
    this.#scalars += 1;
    const { scalars } = this.limits;
    if (this.#scalars > scalars) throw overLimit(this.path(), 'max_json_scalars', scalars);
  }

  /** Where the reader stands, as a client would write it. Long keys are cut: they are a client's text. */
  path(): string {
    return formatPath(this.#frames.map((frame) => (frame.isList ? frame.index : shorten(frame.key))));
  }
}

const shorten = (key: string): string => (key.length > MAX_KEY_TEXT ? `${key.slice(0, MAX_KEY_TEXT)}…` : key);
