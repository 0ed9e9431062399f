import type { FileHandle } from 'node:fs/promises';
import { StageDigest } from './stage-digest.js';

/** Handing work to another thread costs more than copying this much, so small pieces are gathered first. */
const STAGE_BYTES = 256 * 1024;

/** Shared with the hashing thread. */
const newStage = (): Buffer => Buffer.from(new SharedArrayBuffer(STAGE_BYTES));

/**
 * Appends pieces to a file and hashes them: one stage is written and hashed while the next is filled, so that the
 * caller's work on a piece, the hash and the disk go on at the same time. Memory is two stages; pieces are copied.
 */
export class StagedWriter {
  readonly #digest = new StageDigest();
  #filling = newStage();
  #other: Buffer | undefined;
  #used = 0;
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(private readonly handle: FileHandle) {}

  /** Resolves when the piece may be reused. Throws what went wrong with an earlier one. */
  async add(piece: Uint8Array): Promise<void> {
    for (let offset = 0; offset < piece.byteLength; ) {
      if (this.#used === STAGE_BYTES) await this.#turn();
      const count = Math.min(piece.byteLength - offset, STAGE_BYTES - this.#used);
      this.#filling.set(piece.subarray(offset, offset + count), this.#used);
      this.#used += count;
      offset += count;
    }
  }

  /** Resolves with the SHA-256 of all pieces when all is written. */
  async finish(): Promise<Buffer> {
    await this.#underWay;
    const [digest] = await Promise.all([
      this.#digest.end(this.#filling, this.#used),
      writeAll(this.handle, this.#filling.subarray(0, this.#used)),
    ]);
    return digest;
  }

  /** Resolves when nothing is under way any more; to be called before the file is closed after a failure. */
  async abandon(): Promise<void> {
    this.#digest.drop();
    await this.#underWay.catch(() => {});
  }

  /** Starts on the filled stage once the other one is free. */
  async #turn(): Promise<void> {
    await this.#underWay;
    const full = this.#filling;
    const length = this.#used;
    this.#underWay = Promise.all([
      this.#digest.add(full, length),
      writeAll(this.handle, full.subarray(0, length)),
    ]);
    // Told at the next turn; until then nobody may take it for unhandled.
    this.#underWay.catch(() => {});
    this.#filling = this.#other ?? newStage();
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
