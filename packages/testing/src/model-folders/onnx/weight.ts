import type { Piece } from './protobuf-message.js';

/** Element types that the fixtures use, with their numbers in `TensorProto.DataType`. */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
} as const;
export type ElementType = keyof typeof elementTypes;

/** A constant tensor of a graph. Its bytes are little-endian, row by row. */
export interface Weight {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: Piece;
}

const toBytes = (array: Float32Array | BigInt64Array | Int32Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** Without `dims` a vector. */
export function int64Weight(values: readonly number[], dims: readonly number[] = [values.length]): Weight {
  return { type: 'int64', dims, data: toBytes(BigInt64Array.from(values, BigInt)) };
}

/** Without `dims` a vector. */
export function floatWeight(
  values: ArrayLike<number>,
  dims: readonly number[] = [values.length],
  type: 'float32' | 'float16' = 'float32',
): Weight {
  const floats = Float32Array.from(values);
  return { type, dims, data: type === 'float32' ? toBytes(floats) : halves(floats) };
}

/** IEEE half precision, rounded to nearest; what is too small becomes 0. Values are within ±65504. */
function halves(floats: Float32Array): Uint8Array {
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  const result = new Uint16Array(floats.length);
  for (let at = 0; at < bits.length; at += 1) {
    const value = bits[at]!;
    const sign = (value >>> 16) & 0x8000;
    const magnitude = (value & 0x7fffffff) + 0x1000;
    // The exponent's bias is 127 in single and 15 in half precision; 23 and 10 bits of fraction.
    result[at] = magnitude < 0x38800000 ? sign : sign | ((magnitude - 0x38000000) >>> 13);
  }
  return new Uint8Array(result.buffer);
}

/** Mixes a text into a 32-bit number (FNV-1a), so that weights do not depend on the order they are made in. */
export function seedOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0 || 1;
}

/** Marsaglia's xorshift with 32 bits: the same numbers on every machine. Gives one call's state after the other. */
export function xorshift(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Evenly distributed floats around 0 with the given standard deviation, made when they are written. */
export function randomWeight(
  seed: number,
  dims: readonly number[],
  deviation: number,
  type: 'float32' | 'float16' = 'float32',
): Weight {
  const count = dims.reduce((product, size) => product * size, 1);
  const bytes = () => {
    const next = xorshift(seed);
    const floats = new Float32Array(count);
    const scale = (2 * Math.sqrt(3) * deviation) / 2 ** 32;
    for (let at = 0; at < count; at += 1) floats[at] = (next() - 2 ** 31) * scale;
    return type === 'float32' ? toBytes(floats) : halves(floats);
  };
  return { type, dims, data: { size: count * (type === 'float32' ? 4 : 2), bytes } };
}

/** Evenly distributed bytes, made when they are written. */
export function randomBytesWeight(seed: number, dims: readonly number[]): Weight {
  const count = dims.reduce((product, size) => product * size, 1);
  const bytes = () => {
    const next = xorshift(seed);
    return Uint8Array.from({ length: count }, () => next() >>> 24);
  };
  return { type: 'uint8', dims, data: { size: count, bytes } };
}
