/**
 * Parses request texts away from the event loop, and hands the values back in pieces: receiving a value costs the
 * receiver as much as parsing it, so a large one would only move the stall.
 *
 * Plain JavaScript, because a worker thread is started from a file: this one runs unbuilt under the tests and is copied
 * by `tsc` into `dist`. It must not import TypeScript.
 */
import { parentPort } from 'node:worker_threads';

/** @import { TextPiece, ToParseThread } from './text-pieces.js' */
/** @typedef {unknown[] | Record<string, unknown>} Container */

if (parentPort === null) throw new Error('parse-thread must be started as a worker thread');
const main = parentPort;

/** A scalar weighs 1, a text 1 more per 32 characters; a piece of this weight is about 64 KiB of JSON. */
const MAX_PIECE_WEIGHT = 2_000;
const CHARS_PER_WEIGHT = 32;

/**
 * @param {unknown} value
 * @returns {value is Container}
 */
const isContainer = (value) => typeof value === 'object' && value !== null;

/**
 * Weighs a value and remembers the weight of everything in it. Nesting is bounded by the reader.
 *
 * @param {unknown} value
 * @param {Map<Container, number>} weights
 * @returns {number}
 */
function weigh(value, weights) {
  if (typeof value === 'string') return 1 + Math.floor(value.length / CHARS_PER_WEIGHT);
  if (!isContainer(value)) return 1;
  let weight = 1;
  for (const child of Array.isArray(value) ? value : Object.values(value)) weight += weigh(child, weights);
  weights.set(value, weight);
  return weight;
}

/**
 * The content of a container in pieces. Containers in it that are heavy themselves go out empty, their content follows.
 *
 * @param {Container} container
 * @param {readonly (string | number)[]} path
 * @param {Map<Container, number>} weights
 * @returns {Generator<TextPiece>}
 */
function* cut(container, path, weights) {
  const entries = Object.entries(container);
  /** @type {{ keys: string[], values: unknown[] }} */
  let piece = { keys: [], values: [] };
  /** @type {[string, Container][]} */
  let heavy = [];
  let weight = 0;
  for (const [index, [key, value]] of entries.entries()) {
    const isHeavy = isContainer(value) && (weights.get(value) ?? 0) > MAX_PIECE_WEIGHT;
    if (isHeavy) heavy.push([key, value]);
    piece.keys.push(key);
    piece.values.push(isHeavy ? shell(value) : value);
    weight += isHeavy ? 1 : isContainer(value) ? (weights.get(value) ?? 1) : weigh(value, weights);
    if (weight <= MAX_PIECE_WEIGHT && index < entries.length - 1) continue;
    yield { path, keys: Array.isArray(container) ? [] : piece.keys, values: piece.values };
    for (const [heavyKey, child] of heavy) yield* cut(child, [...path, heavyKey], weights);
    piece = { keys: [], values: [] };
    heavy = [];
    weight = 0;
  }
}

/** @param {Container} container */
const shell = (container) => (Array.isArray(container) ? [] : {});

main.on('message', (/** @type {ToParseThread} */ { text, port }) => {
  const { buffer, byteOffset, byteLength } = text;
  /** @type {unknown} */
  const value = JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString('utf8'));
  /** @type {Map<Container, number>} */
  const weights = new Map();
  if (weigh(value, weights) <= MAX_PIECE_WEIGHT || !isContainer(value)) {
    port.postMessage({ root: value });
  } else {
    port.postMessage({ root: shell(value) });
    for (const piece of cut(value, [], weights)) port.postMessage(piece);
  }
  port.close();
  main.postMessage('done');
});
