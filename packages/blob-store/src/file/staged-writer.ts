import type { FileHandle } from 'node:fs/promises';
import { StageDigest } from './stage-digest.js';

/** Waking another thread costs tens of microseconds, so pieces are gathered until that is little beside the work. */
const STAGE_BYTES = 1024 * 1024;

/** Stages that wait for the next upload; small ones come often. */
const spare: Buffer[] = [];
const MAX_SPARE = 16;

/** Shared with the hashing thread. */
const takeStage = (): Buffer => spare.pop() ?? Buffer.from(new SharedArrayBuffer(STAGE_BYTES));

/**
 * Appends pieces to a file and hashes them: one stage is written and hashed while the next is filled, so that the
 * caller's work on a piece, the hash and the disk go on at the same time. Memory is two stages; pieces are copied.
 */
export class StagedWriter {
  readonly #digest = new StageDigest();
  #filling = takeStage();
  #other: Buffer | undefined;
  #used = 0;
  /** What reads the other stage at the moment, or both when the upload ends. */
  #readers: readonly Promise<unknown>[] = [];
  #isOver = false;

  /** The file may still be opening. */
  constructor(private readonly opening: Promise<FileHandle>) {
    opening.catch(() => {});
  }

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

  /** Resolves when all that was added is in the file. */
  async flush(): Promise<void> {
    if (this.#used > 0) await this.#turn();
    await Promise.all(this.#readers);
  }

  /** Resolves with the SHA-256 of all pieces when all is written. */
  async finish(): Promise<Buffer> {
    await Promise.all(this.#readers);
    const digest = this.#digest.end(this.#filling, this.#used);
    this.#read([digest, writeAll(this.opening, this.#filling.subarray(0, this.#used))]);
    await Promise.all(this.#readers);
    this.#giveBack();
    return digest;
  }

  /** Resolves when nothing is under way any more; to be called before the file is closed after a failure. */
  async abandon(): Promise<void> {
    this.#digest.drop();
    await Promise.allSettled(this.#readers);
    this.#giveBack();
  }

  /** Starts on the filled stage once the other one is free. */
  async #turn(): Promise<void> {
    await Promise.all(this.#readers);
    const full = this.#filling;
    this.#read([this.#digest.add(full, this.#used), writeAll(this.opening, full.subarray(0, this.#used))]);
    this.#filling = this.#other ?? takeStage();
    this.#other = full;
    this.#used = 0;
  }

  /** What goes wrong is told at the next turn; until then nobody may take it for unhandled. */
  #read(readers: readonly Promise<unknown>[]): void {
    for (const reader of readers) reader.catch(() => {});
    this.#readers = readers;
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
