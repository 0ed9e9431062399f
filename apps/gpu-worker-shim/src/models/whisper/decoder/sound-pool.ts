type Floats = Float32Array<ArrayBuffer>;

/** A row's place in the pool. It changes when others leave or the rows are put in another order. */
export interface SoundSlot {
  index: number;
}

/**
 * What does not change while a window is written: for each tensor one array `[slot][size]`. Rows that lie side by side are
 * a batch that a graph reads where it lies.
 */
export class SoundPool {
  private slots: SoundSlot[] = [];
  private arrays: Floats[];
  private capacity = 0;

  /** @param sizes floats of one row, of each tensor */
  constructor(private readonly sizes: readonly number[]) {
    this.arrays = sizes.map(() => new Float32Array());
  }

  get bytes(): number {
    return this.arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Copies a row's tensors into the pool. Throws when memory is out; the pool is then as it was. */
  join(tensors: readonly Float32Array[]): SoundSlot {
    const slot = { index: this.slots.length };
    if (slot.index === this.capacity) this.grow(Math.max(1, 2 * this.capacity));
    for (const [at, array] of this.arrays.entries()) array.set(tensors[at]!, slot.index * this.sizes[at]!);
    this.slots.push(slot);
    return slot;
  }

  /** Frees a row's place; the last row moves there. The memory goes with the last one. */
  leave(slot: SoundSlot): void {
    const last = this.slots.pop();
    if (last !== undefined && last !== slot) {
      for (const [at, array] of this.arrays.entries()) {
        const size = this.sizes[at]!;
        array.copyWithin(slot.index * size, last.index * size, (last.index + 1) * size);
      }
      last.index = slot.index;
      this.slots[last.index] = last;
    }
    if (this.slots.length > 0) return;
    this.arrays = this.sizes.map(() => new Float32Array());
    this.capacity = 0;
  }

  /** Puts rows into an order: all of them, each once. */
  arrange(order: readonly SoundSlot[]): void {
    for (const [target, slot] of order.entries()) {
      if (slot.index === target) continue;
      const other = this.slots[target]!;
      for (const [at, array] of this.arrays.entries()) {
        const size = this.sizes[at]!;
        const kept = array.slice(target * size, (target + 1) * size);
        array.copyWithin(target * size, slot.index * size, (slot.index + 1) * size);
        array.set(kept, slot.index * size);
      }
      this.slots[slot.index] = other;
      this.slots[target] = slot;
      other.index = slot.index;
      slot.index = target;
    }
  }

  /** Neighbouring rows of one tensor, without a copy. */
  slice(tensor: number, from: number, count: number): Floats {
    const size = this.sizes[tensor]!;
    return this.arrays[tensor]!.subarray(from * size, (from + count) * size);
  }

  private grow(capacity: number): void {
    const grown = this.arrays.map((array, at) => {
      const larger = new Float32Array(capacity * this.sizes[at]!);
      larger.set(array);
      return larger;
    });
    this.arrays = grown;
    this.capacity = capacity;
  }
}
