export const PART_BYTES = 8 * 1024 * 1024;

const FIRST_BYTES = 64 * 1024;

/** Bytes of one part, copied as they come: the giver of a chunk may use its memory again. */
export class PartBuffer {
  private bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  private length = 0;

  get isFull(): boolean {
    return this.length === PART_BYTES;
  }

  get isEmpty(): boolean {
    return this.length === 0;
  }

  get contents(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  /** Takes what there is room for; says how many bytes that was. */
  append(chunk: Uint8Array): number {
    const taken = Math.min(chunk.byteLength, PART_BYTES - this.length);
    this.makeRoom(this.length + taken);
    this.bytes.set(taken === chunk.byteLength ? chunk : chunk.subarray(0, taken), this.length);
    this.length += taken;
    return taken;
  }

  clear(): void {
    this.length = 0;
  }

  /**
   * Small pictures take little. All others get a whole part at once, of which the system gives only the pages that are
   * written: growing by and by would copy megabytes on the event loop, for all uploads at about the same time.
   */
  private makeRoom(needed: number): void {
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(PART_BYTES);
    this.contents.copy(grown);
    this.bytes = grown;
  }
}

/** Buffers that are kept for the next upload. A new one of this size costs more than it looks: all its pages are touched. */
const MAX_IDLE = 4;

/**
 * Bounds what all uploads of a store hold in memory. Each upload may always have one part in hand, so that none can wait
 * for another; to send a part while the next one fills it needs an extra, of which there are few.
 */
export class PartPool {
  private readonly idle: PartBuffer[] = [];

  constructor(private extrasLeft: number) {}

  take(): PartBuffer {
    return this.idle.pop() ?? new PartBuffer();
  }

  tryTakeExtra(): PartBuffer | undefined {
    if (this.extrasLeft === 0) return undefined;
    this.extrasLeft -= 1;
    return this.take();
  }

  giveBackExtra(): void {
    this.extrasLeft += 1;
  }

  /** Keeps a buffer that nothing reads from any more. */
  recycle(buffer: PartBuffer): void {
    buffer.clear();
    if (this.idle.length < MAX_IDLE) this.idle.push(buffer);
  }
}
