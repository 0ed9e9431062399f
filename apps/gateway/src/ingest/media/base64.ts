import { base64Program, STEP_BYTES } from './base64-program.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** So many groups are decoded one by one first: many escapes make short runs, for which a block is not worth its copy. */
const FIRST_GROUPS = 64;
/** Text that is decoded at once; with its bytes it stays in the nearest cache. */
const BLOCK_BYTES = 16 * 1024;

/** The six bits of every byte that is a base64 digit, -1 for all others. */
export const digitValues: Int8Array = new Int8Array(256).fill(-1);
for (const [value, digit] of [...ALPHABET].entries()) digitValues[digit.charCodeAt(0)] = value;

interface VectorDecoder {
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  /** See `base64Program`. */
  readonly decode: (end: number, to: number) => number;
}

/** What TypeScript knows of WebAssembly comes with the types of browsers only. */
interface WebAssemblyApi {
  readonly Module: new (program: Uint8Array) => object;
  readonly Instance: new (
    module: object,
  ) => {
    readonly exports: {
      readonly memory: { readonly buffer: ArrayBuffer };
      decode(end: number, to: number): number;
    };
  };
}

const vectors = openVectors((globalThis as unknown as { WebAssembly?: WebAssemblyApi }).WebAssembly);

/** Undefined where Node runs without a compiler, or on a processor without vectors: then all is decoded one by one. */
function openVectors(api: WebAssemblyApi | undefined): VectorDecoder | undefined {
  if (api === undefined) return undefined;
  try {
    const { memory, decode } = new api.Instance(new api.Module(base64Program)).exports;
    const input = new Uint8Array(memory.buffer, 0, BLOCK_BYTES);
    return { input, output: new Uint8Array(memory.buffer, BLOCK_BYTES, (BLOCK_BYTES / 4) * 3), decode };
  } catch {
    return undefined;
  }
}

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
  let at = from;
  let offset = to;
  while (end - at >= STEP_BYTES) {
    const length = Math.min(BLOCK_BYTES, end - at - ((end - at) % STEP_BYTES));
    vectors.input.set(source.subarray(at, at + length));
    const taken = vectors.decode(length, BLOCK_BYTES);
    const decoded = (taken / 4) * 3;
    target.set(vectors.output.subarray(0, decoded), offset);
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
