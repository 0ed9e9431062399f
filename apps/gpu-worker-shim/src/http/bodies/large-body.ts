import { FoveaError } from '@fovea/errors';

const MIB = 2 ** 20;

/** Memory that is given to a body at a time. */
const SEGMENT_BYTES = MIB;

/** Bytes of large bodies that are held at a time: of those that arrive, wait, are parsed, and are answered. */
export const MAX_HELD_BODY_BYTES = 1024 * MIB;

/** Counts the memory of all large bodies. */
export class BodyMemory {
  private held = 0;

  constructor(private readonly maxBytes = MAX_HELD_BODY_BYTES) {}

  get bytes(): number {
    return this.held;
  }

  /** Throws `QUEUE_FULL` when that is too much. */
  take(bytes: number): void {
    if (this.held + bytes > this.maxBytes) {
      throw new FoveaError('QUEUE_FULL', {
        message: `The server holds ${this.held} bytes of large request bodies; at most ${this.maxBytes} are held.`,
        limit: { name: 'max_held_body_bytes', value: this.maxBytes, actual: this.held + bytes },
        retryAfterS: 1,
      });
    }
    this.held += bytes;
  }

  give(bytes: number): void {
    this.held -= bytes;
  }
}

/**
 * A body that is too large to be parsed on the event loop, in segments that can move to a thread. What it takes of the
 * memory is given back by `release`, which its owner calls when nothing that was made of it is needed any more.
 */
export class LargeBody {
  private segments: ArrayBuffer[] = [];
  private taken = 0;
  /** Bytes so far. */
  byteLength = 0;

  constructor(private readonly memory: BodyMemory) {}

  /** Copies the chunk: it lies in a buffer that has room for others. Throws `QUEUE_FULL`. */
  add(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      const used = this.byteLength % SEGMENT_BYTES;
      if (used === 0) this.grow();
      const part = chunk.subarray(at, at + SEGMENT_BYTES - used);
      new Uint8Array(this.segments.at(-1)!, used).set(part);
      this.byteLength += part.length;
      at += part.length;
    }
  }

  /** Hands over the segments; the body is empty then, but still counted. */
  take(): { readonly segments: ArrayBuffer[]; readonly byteLength: number } {
    const { segments, byteLength } = this;
    this.segments = [];
    return { segments, byteLength };
  }

  /** May be called again. */
  release(): void {
    this.segments = [];
    this.memory.give(this.taken);
    this.taken = 0;
  }

  private grow(): void {
    this.memory.take(SEGMENT_BYTES);
    this.taken += SEGMENT_BYTES;
    // Not zeroed, unlike a new ArrayBuffer: that would cost as much as the copy.
    this.segments.push(Buffer.allocUnsafeSlow(SEGMENT_BYTES).buffer as ArrayBuffer);
  }
}
