import { base64Program, STEP_BYTES } from './base64-program.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** So many groups are decoded one by one first: many escapes make short runs, for which a block is not worth its copy. */
const FIRST_GROUPS = 64;
/** Text that is decoded at once; with its bytes it stays in the nearest cache. */
const BLOCK_BYTES = 16 * 1024;
/** In the program's memory: a block, its bytes, and behind them room for text that is read to where it is decoded. */
const BLOCK_AT = 0;
const BYTES_AT = BLOCK_BYTES;
const TEXT_AT = 2 * BLOCK_BYTES;
const TEXT_BYTES = 256 * 1024;

/** The six bits of every byte that is a base64 digit, -1 for all others. */
export const digitValues: Int8Array = new Int8Array(256).fill(-1);
for (const [value, digit] of [...ALPHABET].entries()) digitValues[digit.charCodeAt(0)] = value;

interface VectorDecoder {
  readonly block: Uint8Array;
  readonly bytes: Uint8Array;
  readonly text: Buffer;
  /** See `base64Program`. */
  readonly decode: (from: number, end: number, to: number) => number;
}

/** What TypeScript knows of WebAssembly comes with the types of browsers only. */
interface WebAssemblyApi {
  readonly Module: new (program: Uint8Array) => object;
  readonly Instance: new (
    module: object,
  ) => {
    readonly exports: {
      readonly memory: { readonly buffer: ArrayBuffer };
      decode(from: number, end: number, to: number): number;
    };
  };
}

const vectors = openVectors((globalThis as unknown as { WebAssembly?: WebAssemblyApi }).WebAssembly);

/** Undefined where Node runs without a compiler, or on a processor without vectors: then all is decoded one by one. */
function openVectors(api: WebAssemblyApi | undefined): VectorDecoder | undefined {
  if (api === undefined) return undefined;
  try {
    const { memory, decode } = new api.Instance(new api.Module(base64Program)).exports;
    const block = new Uint8Array(memory.buffer, BLOCK_AT, BLOCK_BYTES);
    const bytes = new Uint8Array(memory.buffer, BYTES_AT, (BLOCK_BYTES / 4) * 3);
    return { block, bytes, text: Buffer.from(memory.buffer, TEXT_AT, TEXT_BYTES), decode };
  } catch {
    return undefined;
  }
}

/** Memory from which text is decoded without being copied before. Undefined where there is no such decoder. */
export const textMemory: Buffer | undefined = vectors?.text;

/**
 * Decodes groups of four digits until one holds anything else or fewer than four bytes are left before `end`; returns how
 * many groups it took. The caller has seen to three bytes of room for each.
 */
export function decodeGroups(source: Buffer, from: number, end: number, target: Buffer, to: number): number {
  const groups = (end - from) >>> 2;
  const first = decodeByTable(source, from, Math.min(groups, FIRST_GROUPS), target, to);
  if (first < FIRST_GROUPS) return first;
  const most = first + decodeBlocks(source, from + first * 4, end, target, to + first * 3);
  return most + decodeByTable(source, from + most * 4, groups - most, target, to + most * 3);
}

function decodeBlocks(source: Buffer, from: number, end: number, target: Buffer, to: number): number {
  if (vectors === undefined) return 0;
  const { block, bytes, decode } = vectors;
  const isHere = source.buffer === block.buffer;
  let at = from;
  let offset = to;
  while (end - at >= STEP_BYTES) {
    const length = Math.min(BLOCK_BYTES, end - at - ((end - at) % STEP_BYTES));
    if (!isHere) block.set(source.subarray(at, at + length));
    const start = isHere ? source.byteOffset + at : BLOCK_AT;
    const taken = decode(start, start + length, BYTES_AT) - start;
    const decoded = (taken / 4) * 3;
    target.set(bytes.subarray(0, decoded), offset);
    at += taken;
    offset += decoded;
    if (taken < length) break;
  }
  return (at - from) / 4;
}

function decodeByTable(source: Buffer, from: number, groups: number, target: Buffer, to: number): number {
  let at = from;
  let offset = to;
  for (let group = 0; group < groups; group += 1) {
    const a = digitValues[source[at]!]!;
    const b = digitValues[source[at + 1]!]!;
    const c = digitValues[source[at + 2]!]!;
    const d = digitValues[source[at + 3]!]!;
    if ((a | b | c | d) < 0) return group;
    target[offset] = (a << 2) | (b >> 4);
    target[offset + 1] = (b << 4) | (c >> 2);
    target[offset + 2] = (c << 6) | d;
    at += 4;
    offset += 3;
  }
  return groups;
}
