/**
 * As much of the protobuf wire format as appending nodes to a graph takes: fields are read where they lie, and
 * whatever is not asked for, weights above all, is stepped over.
 */

/** One field: the bytes of a length-delimited one, or the number of a varint. Fixed-size fields have neither. */
export interface ProtoField {
  readonly number: number;
  readonly bytes?: Uint8Array;
  readonly varint?: bigint;
}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

/** Reads a message field by field. Throws an `Error` when the bytes are no protobuf message. */
export function* readFields(message: Uint8Array): Generator<ProtoField, void> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new Error('the file is not a protobuf message');
  };
  while (at < message.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    const wire = tag & 7;
    if (wire === VARINT) {
      yield { number, varint: varint() };
      continue;
    }
    const length = wire === DELIMITED ? Number(varint()) : wire === FIXED64 ? 8 : wire === FIXED32 ? 4 : -1;
    if (length < 0 || at + length > message.length) throw new Error('the file is not a protobuf message');
    yield wire === DELIMITED ? { number, bytes: message.subarray(at, at + length) } : { number };
    at += length;
  }
}

const textDecoder = new TextDecoder();
const textEncoder = new TextEncoder();

/** All values of a repeated length-delimited field, in order. */
export function messagesOf(message: Uint8Array, number: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const field of readFields(message)) {
    if (field.number === number && field.bytes !== undefined) found.push(field.bytes);
  }
  return found;
}

/** All strings of a repeated field, in order. */
export const stringsOf = (message: Uint8Array, number: number): string[] =>
  messagesOf(message, number).map((bytes) => textDecoder.decode(bytes));

function encodeVarint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}

/** A varint field; `value` is a whole number that is not negative. */
export const varintField = (number: number, value: number): Uint8Array =>
  Uint8Array.from([...encodeVarint(number * 8 + VARINT), ...encodeVarint(value)]);

/** A length-delimited field: a string, bytes, or the parts of a message. */
export function bytesField(number: number, content: string | Uint8Array | readonly Uint8Array[]): Uint8Array {
  const body =
    typeof content === 'string'
      ? textEncoder.encode(content)
      : content instanceof Uint8Array
        ? content
        : Buffer.concat(content);
  return Buffer.concat([
    Uint8Array.from([...encodeVarint(number * 8 + DELIMITED), ...encodeVarint(body.length)]),
    body,
  ]);
}
