import { types } from 'node:util';
import { hiddenBytes, redactText } from './redact-text.js';

/** Bounds of one logged value; beyond them the rest is counted, not shown. */
const MAX_DEPTH = 6;
const MAX_ENTRIES = 32;
const MAX_VALUES = 400;
const MAX_CHARACTERS = 32 * 1024;
const MAX_NAME_CHARACTERS = 128;

/** Names are compared in lower case without separators: `X-Api-Key`, `x_api_key` and `xApiKey` are one. */
const secretName = /authorization|cookie|secret|passw|credential|signature|keys?$|token$|^rawheaders$/;
const contentNames = new Set(
  (
    'data url uri href imageurl videourl audiourl inputaudio content contents prompt prompts messages text input inputs ' +
    'body requestbody image images media base64 b64json bytes buffer payload tokenids promptparts completion'
  ).split(' '),
);

interface Walk {
  values: number;
  characters: number;
  readonly ancestors: Set<object>;
}

const normalised = (name: string): string =>
  name
    .slice(0, MAX_NAME_CHARACTERS)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');

/** What stands in for a value that may be media or a user's words: its size. */
function sizeOf(value: unknown): string {
  if (typeof value === 'string') return hiddenBytes(value.length);
  const binary = binarySize(value);
  if (binary !== undefined) return hiddenBytes(binary);
  return Array.isArray(value) ? `[${value.length} entries]` : '[hidden]';
}

function binarySize(value: unknown): number | undefined {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  return types.isAnyArrayBuffer(value) ? value.byteLength : undefined;
}

/** A scalar tells nothing of a secret or a picture; a count under such a name is worth keeping. */
const isHarmless = (value: unknown): boolean =>
  value === null || value === undefined || typeof value === 'boolean' || typeof value === 'number';

function redactNamed(name: string, value: unknown, walk: Walk): unknown {
  if (isHarmless(value)) return redactInner(value, walk);
  const known = normalised(name);
  if (secretName.test(known)) return '[redacted]';
  return contentNames.has(known) ? sizeOf(value) : redactInner(value, walk);
}

function redactFields(source: object, names: readonly string[], walk: Walk): Record<string, unknown> {
  // Without a prototype a field named `__proto__` is only a field.
  const fields: Record<string, unknown> = Object.create(null);
  for (const name of names.slice(0, MAX_ENTRIES)) {
    const safeName = redactText(name).slice(0, MAX_NAME_CHARACTERS);
    fields[safeName] = redactNamed(name, Reflect.get(source, name), walk);
  }
  if (names.length > MAX_ENTRIES) fields['…'] = `[${names.length - MAX_ENTRIES} more]`;
  return fields;
}

const errorFields = ['name', 'code', 'message', 'detail', 'stack', 'cause', 'errors'];

/** An error with what only the log may know; `name`, `message` and `stack` are not enumerable by themselves. */
function redactError(error: object, walk: Walk): Record<string, unknown> {
  const own = Object.keys(error).filter((name) => !errorFields.includes(name));
  const known = errorFields.filter((name) => Reflect.get(error, name) !== undefined);
  return redactFields(error, [...known, ...own], walk);
}

function redactEntries(entries: Iterable<unknown>, size: number, walk: Walk): unknown[] {
  const kept: unknown[] = [];
  for (const entry of entries) {
    if (kept.length === MAX_ENTRIES) break;
    kept.push(redactInner(entry, walk));
  }
  if (size > MAX_ENTRIES) kept.push(`[${size - MAX_ENTRIES} more]`);
  return kept;
}

/** Plain in any realm: no prototype, or one that is itself an end of the chain. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function redactObject(value: object, walk: Walk): unknown {
  const binary = binarySize(value);
  if (binary !== undefined) return hiddenBytes(binary);
  if (types.isNativeError(value)) return redactError(value, walk);
  if (Array.isArray(value)) return redactEntries(value, value.length, walk);
  if (types.isDate(value)) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (types.isSet(value)) return redactEntries(value, value.size, walk);
  if (types.isMap(value)) {
    const pairs = [...value].slice(0, MAX_ENTRIES).map(([key, entry]) => [String(key), entry]);
    const fields: object = Object.fromEntries(pairs);
    return redactFields(fields, Object.keys(fields), walk);
  }
  if (isPlain(value)) return redactFields(value, Object.keys(value), walk);
  if (value instanceof URL) return keepText(value.href, walk);
  // Sockets, requests, streams and the like lead anywhere; their kind says enough.
  return `[${value.constructor?.name ?? 'object'}]`;
}

function keepText(text: string, walk: Walk): string {
  if (walk.characters >= MAX_CHARACTERS) return hiddenBytes(text.length);
  const safe = redactText(text);
  walk.characters += safe.length;
  return safe;
}

function redactInner(value: unknown, walk: Walk): unknown {
  walk.values += 1;
  if (walk.values > MAX_VALUES) return '[not shown]';
  if (typeof value === 'string') return keepText(value, walk);
  if (typeof value === 'bigint') return keepText(value.toString(), walk);
  if (typeof value === 'symbol') return keepText(value.toString(), walk);
  if (typeof value === 'function') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (walk.ancestors.has(value)) return '[circular]';
  if (walk.ancestors.size >= MAX_DEPTH) return Array.isArray(value) ? `[${value.length} entries]` : '[deep]';
  walk.ancestors.add(value);
  try {
    return redactObject(value, walk);
  } catch {
    // A getter or proxy that throws must not turn a log call into an error.
    return '[unreadable]';
  } finally {
    walk.ancestors.delete(value);
  }
}

/**
 * A copy that holds no media, no keys and no user's words, of plain JSON values, bounded in depth, breadth and size.
 * Never throws.
 */
export function redactValue(value: unknown): unknown {
  return redactInner(value, { values: 0, characters: 0, ancestors: new Set() });
}
