/** Bytes, or bytes that are made when they are written: a large model never lies in memory as a whole. */
export type Piece = Uint8Array | { readonly size: number; readonly bytes: () => Uint8Array };

const sizeOf = (piece: Piece): number => (piece instanceof Uint8Array ? piece.length : piece.size);

/** Negative numbers take ten bytes, as protobuf's `int64` has it. */
function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Uint8Array.from([...bytes, Number(rest)]);
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/**
 * A protobuf message as it is written field by field (https://protobuf.dev/programming-guides/encoding). Fields may be
 * repeated; nothing is checked against a schema.
 */
export class ProtobufMessage {
  private readonly parts: Piece[] = [];
  private total = 0;

  /** Length of the encoded message in bytes. */
  get size(): number {
    return this.total;
  }

  /** The encoded message, in order. */
  get pieces(): readonly Piece[] {
    return this.parts;
  }

  integer(field: number, value: number | bigint): this {
    return this.tag(field, VARINT).put(varint(value));
  }

  float(field: number, value: number): this {
    return this.tag(field, FIXED32).put(new Uint8Array(Float32Array.of(value).buffer));
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Piece): this {
    return this.tag(field, LENGTH_DELIMITED)
      .put(varint(sizeOf(value)))
      .put(value);
  }

  message(field: number, value: ProtobufMessage): this {
    this.tag(field, LENGTH_DELIMITED).put(varint(value.size));
    for (const piece of value.parts) this.put(piece);
    return this;
  }

  private tag(field: number, wireType: number): this {
    return this.put(varint((field << 3) | wireType));
  }

  private put(piece: Piece): this {
    this.parts.push(piece);
    this.total += sizeOf(piece);
    return this;
  }
}
