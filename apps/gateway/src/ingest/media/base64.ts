import { BACKSLASH, QUOTE } from '../json/bytes.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const MINUS = 0x2d;
const UNDERSCORE = 0x5f;
/** So many groups are decoded here first: many escapes make short runs, for which Node's decoder is slow to call. */
const FIRST_GROUPS = 64;

/** The six bits of every byte that is a base64 digit, -1 for all others. */
export const digitValues: Int8Array = new Int8Array(256).fill(-1);
for (const [value, digit] of [...ALPHABET].entries()) digitValues[digit.charCodeAt(0)] = value;

/**
 * Decodes groups of four digits until one holds anything else or fewer than four bytes are left before `end`; returns how
 * many groups it took. The caller has seen to three bytes of room for each.
 */
export function decodeGroups(source: Buffer, from: number, end: number, target: Buffer, to: number): number {
  const groups = (end - from) >>> 2;
  const first = decodeByTable(source, from, Math.min(groups, FIRST_GROUPS), target, to);
  if (first < FIRST_GROUPS) return first;
  return first + decodeNatively(source, from + first * 4, end, target, to + first * 3);
}

/**
 * Node's decoder runs at memory speed but accepts anything: it reads `-` and `_` as digits and skips what it does not
 * know. So its answer counts only when it wrote three bytes for every four and neither of the two is there.
 */
function decodeNatively(source: Buffer, from: number, end: number, target: Buffer, to: number): number {
  const rest = source.subarray(from, end);
  const quote = rest.indexOf(QUOTE);
  // The last group before the quote may be padded, which is not for this decoder to judge.
  const text = quote < 0 ? rest : rest.subarray(0, Math.max(0, quote - 1));
  const backslash = text.indexOf(BACKSLASH);
  const groups = (backslash < 0 ? text.length : backslash) >>> 2;
  const run = rest.subarray(0, groups * 4);
  const written = target.write(run.toString('latin1'), to, 'base64');
  const isExact = written === groups * 3 && run.indexOf(MINUS) < 0 && run.indexOf(UNDERSCORE) < 0;
  return isExact ? groups : decodeByTable(source, from, groups, target, to);
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
