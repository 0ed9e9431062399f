import type { MessagePort } from 'node:worker_threads';

/** A text to parse, and where its value is to be sent: first `{ root }`, then pieces. Both are transferred. */
export interface ToParseThread {
  readonly text: Uint8Array;
  readonly port: MessagePort;
}

/** Content to be added to the list or object at `path`. `keys` is empty for a list. */
export interface TextPiece {
  readonly path: readonly (string | number)[];
  readonly keys: readonly string[];
  readonly values: readonly unknown[];
}

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

export const hasRoot = (message: unknown): message is { readonly root: unknown } =>
  isFields(message) && 'root' in message;

export const isTextPiece = (message: unknown): message is TextPiece =>
  isFields(message) &&
  Array.isArray(message.path) &&
  Array.isArray(message.keys) &&
  Array.isArray(message.values);

/** Adds a piece to the value it belongs to. */
export function graft(root: unknown, { path, keys, values }: TextPiece): void {
  let target = root;
  for (const key of path) target = isFields(target) ? target[key] : undefined;
  if (Array.isArray(target)) for (const value of values) target.push(value);
  else if (isFields(target)) for (const [index, key] of keys.entries()) setOwn(target, key, values[index]);
  else throw new Error('the piece belongs to no list or object');
}

/** Like `JSON.parse`, to which `__proto__` is a key like any other. */
function setOwn(target: Fields, key: string, value: unknown): void {
  if (key !== '__proto__') target[key] = value;
  else Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}
