import type { FileHandle } from 'node:fs/promises';
import { createContentDigest } from './content-digest.js';

/** A write goes through another thread, whose waking costs tens of microseconds: pieces are gathered until that is little. */
const STAGE_BYTES = 256 * 1024;

/** Stages that wait for the next upload; small ones come often. */
const spare: Buffer[] = [];
const MAX_SPARE = 16;

const takeStage = (): Buffer => spare.pop() ?? Buffer.allocUnsafeSlow(STAGE_BYTES);

/**
 * Appends pieces to a file and hashes them. Small ones are copied: one stage is written while the next is filled. Large
 * ones are written from where they are, while their giver fills others. Memory is two stages.
 */
export class StagedWriter {
  readonly #digest = createContentDigest();
  #filling: Buffer | undefined;
  #other: Buffer | undefined;
  #used = 0;
  #writing: Promise<void> = Promise.resolve();
  #isOver = false;

  /** The file may still be opening. */
  constructor(private readonly opening: Promise<FileHandle>) {
    opening.catch(() => {});
  }

  /** Resolves when the piece may be reused. Throws what went wrong with an earlier one. */
  async add(piece: Uint8Array): Promise<void> {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    if (piece.byteLength < STAGE_BYTES) {
      this.#digest.update(bytes);
      await this.#copy(piece);
      return;
    }
    await this.flush();
    this.#write(piece);
    // While the disk is at work.
    this.#digest.update(bytes);
    await this.#writing;
  }

  /** Resolves when all that was added is in the file. */
  async flush(): Promise<void> {
    if (this.#used > 0) await this.#turn();
    await this.#writing;
  }

  /** Resolves with the digest of all pieces when all is written. */
  async finish(): Promise<Buffer> {
    await this.flush();
    this.#giveBack();
    return this.#digest.end();
  }

  /** Resolves when nothing is under way any more; to be called before the file is closed after a failure. */
  async abandon(): Promise<void> {
    await this.#writing.catch(() => {});
    this.#giveBack();
  }

  async #copy(piece: Uint8Array): Promise<void> {
    for (let offset = 0; offset < piece.byteLength; ) {
      if (this.#used === STAGE_BYTES) await this.#turn();
      this.#filling ??= takeStage();
      const count = Math.min(piece.byteLength - offset, STAGE_BYTES - this.#used);
      this.#filling.set(piece.subarray(offset, offset + count), this.#used);
      this.#used += count;
      offset += count;
    }
  }

  /** Starts on the filled stage once the other one is free. */
  async #turn(): Promise<void> {
    await this.#writing;
    const full = this.#filling;
    if (full === undefined) return;
    this.#write(full.subarray(0, this.#used));
    this.#filling = this.#other;
    this.#other = full;
    this.#used = 0;
  }

  /** What goes wrong is told at the next turn; until then nobody may take it for unhandled. */
  #write(bytes: Uint8Array): void {
    this.#writing = writeAll(this.opening, bytes);
    this.#writing.catch(() => {});
  }

  /** Once: a stage in two hands would mix two uploads. */
  #giveBack(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const stage of [this.#filling, this.#other]) {
      if (stage !== undefined && spare.length < MAX_SPARE) spare.push(stage);
    }
  }
}

/** The kernel may take less than it is given. */
async function writeAll(opening: Promise<FileHandle>, chunk: Uint8Array): Promise<void> {
  const handle = await opening;
  for (let offset = 0; offset < chunk.byteLength; ) {
    const { bytesWritten } = await handle.write(chunk, offset, chunk.byteLength - offset);
    offset += bytesWritten;
  }
}
