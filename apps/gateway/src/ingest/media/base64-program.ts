/**
 * The vector loop of the base64 decoder, as a WebAssembly program that is put together here, instruction by instruction
 * (opcodes: WebAssembly 2.0, §5.4). Node's own decoder takes a string, which copies the text twice through cold memory and
 * accepts anything; this one reads bytes and stops at the first that is no digit.
 *
 * The method is Muła's and Lemire's ("Faster Base64 Encoding and Decoding Using AVX2 Instructions", 2018): two tables, by the
 * low and by the high half of a byte, have a bit in common exactly when it is no digit; a third one holds what to
 * add to a digit to get its value.
 */

/** Text is decoded in steps of so many bytes, into three quarters of that. */
export const STEP_BYTES = 64;

const VECTOR_BYTES = 16;
const I32 = 0x7f;
const V128 = 0x7b;

const noDigitByLow = [
  0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a,
];
const noDigitByHigh = [
  0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10,
];
/** By the high half, less one for the slash, which shares its own with the plus. */
const toValue = [0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0];
/** Of each 32-bit number the three low bytes, the highest first; 0x80 stands for no byte. */
const threeOfFour = [2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 0x80, 0x80, 0x80, 0x80];
const repeat = (count: number, ...bytes: readonly number[]): number[] => new Array(count).fill(bytes).flat();

type Code = readonly number[];

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}
const vector = (opcode: number): Code => [0xfd, ...unsigned(opcode)];
const constant = (bytes: readonly number[]): Code => [...vector(0x0c), ...bytes.map((byte) => byte & 0xff)];
const load = (offset: number): Code => [...vector(0x00), 0, ...unsigned(offset)];
const store = (offset: number): Code => [...vector(0x0b), 0, ...unsigned(offset)];
const get = (local: number): Code => [0x20, local];
const set = (local: number): Code => [0x21, local];
const number = (value: number): Code => [0x41, ...(value < 0x40 ? [value] : [value | 0x80, value >>> 7])];
const add: Code = [0x6a];
const atLeast: Code = [0x4f];

const swizzle = vector(0x0e);
const equalBytes = vector(0x23);
const and = vector(0x4e);
const or = vector(0x50);
const anyBit = vector(0x53);
const addBytes = vector(0x6e);
const shiftLeft16 = vector(0x8b);
const shiftRight16 = vector(0x8d);
/** Products of 16-bit numbers, added in pairs. */
const dotProduct = vector(0xba);

/** The locals: how far the text is read and the other parameters, a vector of text, its high halves, errors, the constants. */
const AT = 0;
const END = 1;
const TO = 2;
const TEXT = 3;
const HIGH = 4;
const ERRORS = 5;
const NO_DIGIT_BY_LOW = 6;
const NO_DIGIT_BY_HIGH = NO_DIGIT_BY_LOW + 1;
const TO_VALUE = NO_DIGIT_BY_LOW + 2;
const HALF = NO_DIGIT_BY_LOW + 3;
const SLASH = NO_DIGIT_BY_LOW + 4;
const FIRST_OF_PAIR = NO_DIGIT_BY_LOW + 5;
const PAIRS = NO_DIGIT_BY_LOW + 6;
const LAST = PAIRS;

/** Held in locals because the engine would load each of them anew wherever it is used. */
const constants: readonly Code[] = [
  [...constant(noDigitByLow), ...set(NO_DIGIT_BY_LOW)],
  [...constant(noDigitByHigh), ...set(NO_DIGIT_BY_HIGH)],
  [...constant(toValue), ...set(TO_VALUE)],
  [...constant(repeat(16, 0x0f)), ...set(HALF)],
  [...constant(repeat(16, 0x2f)), ...set(SLASH)],
  [...constant(repeat(8, 0xc0, 0x0f)), ...set(FIRST_OF_PAIR)],
  [...constant(repeat(4, 0x00, 0x10, 0x01, 0x00)), ...set(PAIRS)],
];

/** Reads a vector of text and adds to the errors what is not zero where a byte is no digit. */
const check = (index: number): Code => [
  ...[...get(AT), ...load(index * VECTOR_BYTES), ...set(TEXT)],
  ...[...get(TEXT), ...number(4), ...shiftRight16, ...get(HALF), ...and, ...set(HIGH)],
  ...[...get(NO_DIGIT_BY_LOW), ...get(TEXT), ...get(HALF), ...and, ...swizzle],
  ...[...get(NO_DIGIT_BY_HIGH), ...get(HIGH), ...swizzle, ...and],
  ...(index === 0 ? [] : [...get(ERRORS), ...or]),
  ...set(ERRORS),
];

/** Four digits `a b c d` are the 24 bits `a·2^18 + b·2^12 + c·2^6 + d`: first in pairs, then both pairs together. */
const decode = (index: number): Code => [
  ...[...get(TEXT), ...get(TO_VALUE), ...get(HIGH)],
  ...[...get(TEXT), ...get(SLASH), ...equalBytes, ...addBytes, ...swizzle],
  ...[...addBytes, ...set(TEXT), ...get(TO)],
  ...[...get(TEXT), ...number(6), ...shiftLeft16, ...get(FIRST_OF_PAIR), ...and],
  ...[...get(TEXT), ...number(8), ...shiftRight16, ...or],
  ...[...get(PAIRS), ...dotProduct, ...constant(threeOfFour), ...swizzle],
  ...store((index * VECTOR_BYTES * 3) / 4),
];

const advance = (local: number, bytes: number): Code => [
  ...get(local),
  ...number(bytes),
  ...add,
  ...set(local),
];

const body: Code = [
  ...[1, LAST + 1 - TEXT, V128],
  ...constants.flat(),
  ...[0x02, 0x40, 0x03, 0x40],
  ...[...get(AT), ...get(END), ...atLeast, 0x0d, 1],
  // What is decoded from errors is never counted. Judged after each vector, or before all are decoded, it takes longer.
  ...[0, 1, 2, 3].flatMap((index) => [...check(index), ...decode(index)]),
  ...[...get(ERRORS), ...anyBit, 0x0d, 1],
  ...[...advance(AT, STEP_BYTES), ...advance(TO, (STEP_BYTES * 3) / 4)],
  ...[0x0c, 0, 0x0b, 0x0b, ...get(AT), 0x0b],
];

const section = (id: number, ...content: readonly number[]): Code => [
  id,
  ...unsigned(content.length),
  ...content,
];
const name = (text: string): Code => [text.length, ...Buffer.from(text)];

/** Of 64 KiB each. */
const PAGES = 5;

/**
 * A module with five pages of `memory` and `decode(from, end, to)`: decodes the text from `from` to `end`, a multiple of 64
 * bytes, to the address `to`, and returns where it stopped: at `end`, or before the 64 bytes that hold something else
 * than digits. It writes up to 52 bytes behind what it decoded.
 */
export const base64Program: Uint8Array = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...section(1, 1, 0x60, 3, I32, I32, I32, 1, I32),
  ...section(3, 1, 0),
  ...section(5, 1, 0x00, PAGES),
  ...section(7, 2, ...name('memory'), 0x02, 0, ...name('decode'), 0x00, 0),
  ...section(10, 1, ...unsigned(body.length), ...body),
]);
