import type { CacheTensor } from './graph-facts.js';

/** Elements of keys and values: JavaScript has no half floats, ONNX Runtime hands them over as raw 16-bit words. */
export type KvArray = Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

/** Tokens that can be used of so many. */
export const floorToBucket = (tokens: number): number => Math.floor(tokens / BUCKET_TOKENS) * BUCKET_TOKENS;

/** Zeros. */
export const newArray = (type: CacheTensor['type'], size: number): KvArray =>
  type === 'float16' ? new Uint16Array(size) : new Float32Array(size);

/** A place in the pool. Its slot changes when another row leaves. */
export interface PoolRow {
  readonly slot: number;
  readonly length: number;
}

interface MutableRow {
  slot: number;
  length: number;
}

/** Slots grow and shrink by whole buckets of tokens, so that most steps move nothing. */
const BUCKET_TOKENS = 64;

const toBucket = (tokens: number): number => Math.ceil(tokens / BUCKET_TOKENS) * BUCKET_TOKENS;

/**
 * Keys and values of all running rows: per tensor one array `[slot][head][capacity][headSize]`, rows left-aligned, the
 * first slots without a hole. So any run of slots is a batch that a graph can read where it lies.
 *
 * Behind a row's length everything is 0: plain graphs multiply it by an attention of 0, and what another row left there
 * (not a number, at worst) would come through.
 */
export class KvPool {
  private readonly rows: MutableRow[] = [];
  private arrays: KvArray[] = [];
  private slots = 0;
  /** Tokens of one slot. */
  private tokensPerSlot = 0;

  /** @param maxTokens slots times their capacity never get above this number. */
  constructor(
    private readonly tensors: readonly CacheTensor[],
    private readonly maxTokens: number,
  ) {}

  /** Tokens that one slot has room for. */
  get capacity(): number {
    return this.tokensPerSlot;
  }

  /** Rows in the pool. */
  get size(): number {
    return this.rows.length;
  }

  /** Bytes that are allocated. */
  get bytes(): number {
    return this.arrays.reduce((sum, array) => sum + array.byteLength, 0);
  }

  fits(lengths: readonly number[]): boolean {
    return lengths.length * toBucket(Math.max(0, ...lengths) + 1) <= this.maxTokens;
  }

  /** Copies `length` tokens of each tensor, `[head][length][headSize]`, into a new slot. Throws when there is no room. */
  join(cache: readonly KvArray[], length: number): PoolRow {
    const slot = this.rows.length;
    this.reserve(slot + 1, Math.max(length, ...this.rows.map((row) => row.length)) + 1);
    for (const [at, { heads, headSize }] of this.tensors.entries()) {
      const from = cache[at]!;
      const to = this.arrays[at]!;
      for (let head = 0; head < heads; head += 1) {
        const start = (slot * heads + head) * this.tokensPerSlot * headSize;
        const size = length * headSize;
        to.set(from.subarray(head * size, (head + 1) * size), start);
        to.fill(0, start + size, start + this.tokensPerSlot * headSize);
      }
    }
    const row = { slot, length };
    this.rows.push(row);
    return row;
  }

  /** Frees a row's slot: the last row moves there. Memory that is no longer needed is given back. */
  leave(row: PoolRow): void {
    const mine = this.mutable(row);
    const last = this.rows.pop()!;
    if (last !== mine) {
      for (const [at, { heads, headSize }] of this.tensors.entries()) {
        const size = heads * this.tokensPerSlot * headSize;
        this.arrays[at]!.copyWithin(mine.slot * size, last.slot * size, (last.slot + 1) * size);
      }
      last.slot = mine.slot;
      this.rows[last.slot] = last;
    }
    mine.slot = -1;
    this.shrink();
  }

  /** Makes room for one more token in every row. Throws when the bound is reached or memory is out. */
  makeRoom(): void {
    if (this.rows.length > 0) this.reserve(this.rows.length, this.longest() + 1);
  }

  /** The slots from `from`, `count` of them, of one tensor, without a copy. */
  slice(tensor: number, from: number, count: number): KvArray {
    const { heads, headSize } = this.tensors[tensor]!;
    const size = heads * this.tokensPerSlot * headSize;
    return this.arrays[tensor]!.subarray(from * size, (from + count) * size);
  }

  /** Puts one token, `[head][headSize]` at index `from` of each tensor's tokens, behind a row. There must be room. */
  append(row: PoolRow, tokens: readonly KvArray[], from: number): void {
    const mine = this.mutable(row);
    for (const [at, { heads, headSize }] of this.tensors.entries()) {
      const token = tokens[at]!;
      const array = this.arrays[at]!;
      for (let head = 0; head < heads; head += 1) {
        const start = ((mine.slot * heads + head) * this.tokensPerSlot + mine.length) * headSize;
        const source = (from * heads + head) * headSize;
        // For so few numbers a loop is faster than `set` with a `subarray`, and leaves no garbage.
        for (let place = 0; place < headSize; place += 1) array[start + place] = token[source + place]!;
      }
    }
    mine.length += 1;
  }

  /** What a row holds, `[head][length][headSize]` of each tensor, as copies. */
  copy(row: PoolRow): KvArray[] {
    return this.tensors.map(({ type, heads, headSize }, at) => {
      const size = row.length * headSize;
      const to = newArray(type, heads * size);
      for (let head = 0; head < heads; head += 1) {
        const start = (row.slot * heads + head) * this.tokensPerSlot * headSize;
        to.set(this.arrays[at]!.subarray(start, start + size), head * size);
      }
      return to;
    });
  }

  private mutable(row: PoolRow): MutableRow {
    const found = this.rows[row.slot];
    if (found !== row) throw new Error('The row is not in the pool.');
    return found;
  }

  private longest(): number {
    return this.rows.reduce((longest, row) => Math.max(longest, row.length), 0);
  }

  private reserve(slots: number, tokens: number): void {
    const tight = toBucket(tokens);
    const isWide = slots * Math.max(this.tokensPerSlot, tight) > this.maxTokens;
    const capacity = isWide ? tight : Math.max(this.tokensPerSlot, tight);
    if (slots <= this.slots && capacity === this.tokensPerSlot) return;
    // Twice the slots, so that rows joining one by one do not move the others each time; where the bound allows it.
    const roomy = slots > this.slots ? Math.max(slots, 2 * this.slots) : this.slots;
    this.resize(roomy * capacity <= this.maxTokens ? roomy : slots, capacity);
  }

  private shrink(): void {
    if (this.rows.length === 0) {
      this.arrays = [];
      this.slots = 0;
      this.tokensPerSlot = 0;
      return;
    }
    const capacity = toBucket(this.longest() + 1);
    const isWide = 2 * capacity <= this.tokensPerSlot;
    const isDeep = 4 * this.rows.length <= this.slots;
    if (isWide || isDeep) {
      const slots = isDeep ? this.rows.length : this.slots;
      this.resize(slots, isWide ? capacity : this.tokensPerSlot);
    }
  }

  /** All new arrays come first: when memory runs out on the way, the pool is as it was. */
  private resize(slots: number, capacity: number): void {
    if (slots * capacity > this.maxTokens) {
      throw new Error(
        `${slots} rows of ${capacity} tokens do not fit the KV cache of ${this.maxTokens} tokens.`,
      );
    }
    const grown: KvArray[] = [];
    for (const [at, tensor] of this.tensors.entries()) {
      grown.push(this.resized(at, tensor, slots, capacity));
    }
    this.arrays = grown;
    this.slots = slots;
    this.tokensPerSlot = capacity;
  }

  private resized(
    at: number,
    { type, heads, headSize }: CacheTensor,
    slots: number,
    capacity: number,
  ): KvArray {
    const size = slots * heads * capacity * headSize;
    const to = newArray(type, size);
    for (const row of this.rows) {
      for (let head = 0; head < heads; head += 1) {
        const place = row.slot * heads + head;
        const start = place * this.tokensPerSlot * headSize;
        to.set(this.arrays[at]!.subarray(start, start + row.length * headSize), place * capacity * headSize);
      }
    }
    return to;
  }
}
