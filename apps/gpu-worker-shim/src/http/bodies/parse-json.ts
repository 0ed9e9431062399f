import { MalformedRequest } from '../vllm-error.js';
import { findJsonExcess, jsonLimits } from './json-limits.js';

type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const PROTOTYPE = '__proto__';

/** What could be taken for parts of an object by code that copies one. No field has such a name, and unknown ones are ignored. */
function dropPoison(object: JsonObject): void {
  if (Object.hasOwn(object, PROTOTYPE)) delete object[PROTOTYPE];
  const own = Object.getOwnPropertyDescriptor(object, 'constructor')?.value;
  if (isObject(own) && Object.hasOwn(own, 'prototype')) Reflect.deleteProperty(object, 'constructor');
}

/** Looks at everything in a value; its depth is bounded. */
function clean(value: unknown): void {
  if (!isObject(value)) return;
  if (Array.isArray(value)) {
    for (const item of value) if (isObject(item)) clean(item);
    return;
  }
  const object = value as JsonObject;
  dropPoison(object);
  const names = Object.keys(object);
  if (names.length > jsonLimits.fields) {
    throw new MalformedRequest(`An object may have at most ${jsonLimits.fields} fields.`);
  }
  for (const name of names) {
    if (name.length > jsonLimits.nameCharacters) {
      throw new MalformedRequest(`A field's name may have at most ${jsonLimits.nameCharacters} characters.`);
    }
    clean(object[name]);
  }
}

/**
 * The value of a JSON body. A byte-order mark is skipped, and bytes that are no UTF-8 are replaced, as Fastify does.
 *
 * @throws MalformedRequest for an empty body, for what is no JSON, and for what is over `jsonLimits`.
 */
export function parseJson(text: Buffer): unknown {
  if (text.length === 0) throw new MalformedRequest('The body is empty; a JSON object is required.');
  const excess = findJsonExcess(text);
  if (excess !== undefined) throw new MalformedRequest(excess);
  const hasMark = text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf;
  let value: unknown;
  try {
    value = JSON.parse(text.toString('utf8', hasMark ? 3 : 0));
  } catch {
    throw new MalformedRequest('The body is not valid JSON.');
  }
  clean(value);
  return value;
}
