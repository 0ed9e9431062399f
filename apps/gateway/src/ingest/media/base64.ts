const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const MINUS = 0x2d;
const UNDERSCORE = 0x5f;
/** Below this many bytes Node's decoder costs more to call than it saves (measured: 200 to 500). */
const MIN_NATIVE_BYTES = 384;

/** The six bits of every byte that is a base64 digit, -1 for all others. */
export const digitValues: Int8Array = new Int8Array(256).fill(-1);
for (const [value, digit] of [...ALPHABET].entries()) digitValues[digit.charCodeAt(0)] = value;

/**
 * Decodes groups of four digits until one holds anything else or `end` is near; returns how many groups it took. The
 * caller has seen to three bytes of room for each.
 *
 * Node's decoder runs at memory speed but accepts anything: it reads `-` and `_` as digits and skips what it does not
 * know. So its answer counts only when it wrote three bytes for every four and neither of the two is there.
 */
export function decodeGroups(source: Buffer, from: number, end: number, target: Buffer, to: number): number {
  const groups = (end - from) >>> 2;
  if (groups * 4 < MIN_NATIVE_BYTES) return decodeByTable(source, from, groups, target, to);
  const run = source.subarray(from, from + groups * 4);
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
