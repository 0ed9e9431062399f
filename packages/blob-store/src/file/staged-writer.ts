import type { FileHandle } from 'node:fs/promises';

/** Handing a write to the thread pool costs more than copying this much, so small pieces are gathered first. */
const STAGE_BYTES = 256 * 1024;

/**
 * Appends pieces to a file: one stage is written while the next is filled, so that the caller's work on a piece
 * (decoding, hashing) and the disk go on at the same time. Memory is two stages; pieces are copied and free at once.
 */
export class StagedWriter {
  #filling: Buffer = Buffer.allocUnsafeSlow(STAGE_BYTES);
  #other: Buffer | undefined;
  #used = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(private readonly handle: FileHandle) {}

  /** Resolves when the piece may be reused. Throws what an earlier write threw. */
  async add(piece: Uint8Array): Promise<void> {
    for (let offset = 0; offset < piece.byteLength; ) {
      const count = Math.min(piece.byteLength - offset, STAGE_BYTES - this.#used);
      this.#filling.set(piece.subarray(offset, offset + count), this.#used);
      this.#used += count;
      offset += count;
      if (this.#used === STAGE_BYTES) await this.#turn();
    }
  }

  /** Resolves when all is written. */
  async finish(): Promise<void> {
    await this.#turn();
    await this.#writing;
  }

  /** Starts to write the filled stage once the other one is free. */
  async #turn(): Promise<void> {
    await this.#writing;
    const full = this.#filling;
    this.#writing = writeAll(this.handle, full.subarray(0, this.#used));
    // Told at the next turn; until then nobody may take it for unhandled.
    this.#writing.catch(() => {});
    this.#filling = this.#other ?? Buffer.allocUnsafeSlow(STAGE_BYTES);
    this.#other = full;
    this.#used = 0;
  }
}

/** The kernel may take less than it is given. */
async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let offset = 0; offset < chunk.byteLength; ) {
    const { bytesWritten } = await handle.write(chunk, offset, chunk.byteLength - offset);
    offset += bytesWritten;
  }
}
