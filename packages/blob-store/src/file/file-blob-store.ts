import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, type FileHandle, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { FoveaError } from '@fovea/errors';
import type { BlobRef } from '@fovea/schemas/jobs';
import { abortable } from '../abortable.js';
import { blobName, isBlobName, ownerKeyOf } from '../blob-name.js';
import {
  type BlobFile,
  BlobStore,
  type HoldOptions,
  type PutOptions,
  type ReleaseOptions,
  type SweepReport,
} from '../index.js';
import { overQuota } from '../storage-full.js';
import { codeOf, ensureFolder, FILE_MODE, type Layout, layoutOf, removeFile, unless } from './layout.js';
import { loadSalt } from './naming.js';
import { readChunks } from './read-chunks.js';
import { blobsOf, dropReference, limitReference, takeReference } from './references.js';
import { removeLingering, sweepStore } from './sweep.js';
import { isKept, openBlob, removeUnreferenced } from './trash.js';
import { Usage } from './usage.js';
import { asStorageError, type WrittenFile, writeTemporary } from './write-temporary.js';

export interface FileBlobStoreOptions {
  /** Absolute path of an existing folder: a missing one is most likely a volume that is not mounted. */
  readonly root: string;
  /** How long a blob outlives its last reference; 0 deletes it with that. */
  readonly lingerS: number;
  /** References and temporary files older than this were left by a killed process. Longer than any request lives. */
  readonly maxReferenceAgeS: number;
  /** Most bytes the store may hold. Without it `quotaFraction` of the free disk. */
  readonly maxBytes?: number;
  /** Default 0.2. */
  readonly quotaFraction?: number;
}

const DEFAULT_QUOTA_FRACTION = 0.2;
/** Reads move a blob up in the order of use; more often than this tells nothing new. */
const TOUCH_INTERVAL_MS = 10_000;

/** Claim checks as files in one folder, shared by gateways, adapters and engines. */
class FileBlobStore extends BlobStore {
  private readonly layout: Layout;
  private readonly usage: Usage;
  private salt: Promise<Buffer> | undefined;
  private makingRoom: Promise<unknown> | undefined;

  constructor(private readonly options: FileBlobStoreOptions) {
    super();
    this.layout = layoutOf(options.root);
    const fraction = options.quotaFraction ?? DEFAULT_QUOTA_FRACTION;
    this.usage = new Usage(this.layout, { maxBytes: options.maxBytes, fraction });
  }

  async put(bytes: AsyncIterable<Uint8Array>, options: PutOptions): Promise<BlobRef> {
    const source = options.signal === undefined ? bytes : abortable(bytes, options.signal);
    try {
      const salt = await this.loadSalt();
      await this.usage.refresh();
      const written = await writeTemporary(this.layout, this.usage, source, (needed) =>
        this.makeRoom(needed),
      );
      const name = blobName(salt, options.tenant, written.digest);
      await this.moveIn(written, name, ownerKeyOf(options.owner), options.signal);
      return { name, mediaType: options.mediaType, byteSize: written.byteSize };
    } catch (error) {
      throw asStorageError(error);
    }
  }

  async open(ref: BlobRef, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return readChunks(await this.openChecked(ref, signal), ref.byteSize, signal);
  }

  async read(ref: BlobRef, signal?: AbortSignal): Promise<Buffer> {
    const handle = await this.openChecked(ref, signal);
    try {
      return await handle.readFile(signal === undefined ? {} : { signal });
    } finally {
      await handle.close();
    }
  }

  locate({ name }: BlobRef): BlobFile | undefined {
    if (!isBlobName(name)) return undefined;
    const path = this.layout.blob(name);
    return { path, below: relative(this.layout.root, path) };
  }

  async hold(ref: BlobRef, { owner, untilMs }: HoldOptions): Promise<void> {
    if (!isBlobName(ref.name)) throw new FoveaError('GONE');
    const ownerKey = ownerKeyOf(owner);
    try {
      await takeReference(this.layout, ref.name, ownerKey);
      if (untilMs !== undefined) await limitReference(this.layout, ref.name, ownerKey, untilMs);
    } catch (error) {
      throw asStorageError(error);
    }
    if (!(await isKept(this.layout, ref.name))) throw new FoveaError('GONE');
  }

  async release(owner: string, options: ReleaseOptions): Promise<void> {
    const ownerKey = ownerKeyOf(owner);
    const lingers = options.linger && this.options.lingerS > 0;
    const now = new Date();
    for (const name of await blobsOf(this.layout, ownerKey)) {
      if (lingers) await unless(['ENOENT', 'EPERM'], utimes(this.layout.blob(name), now, now));
      await dropReference(this.layout, name, ownerKey);
      if (lingers) continue;
      const freed = await removeUnreferenced(this.layout, name);
      this.usage.change(-(freed ?? 0));
    }
  }

  async sweep(nowMs: number): Promise<SweepReport> {
    return sweepStore(this.layout, this.usage, nowMs, this.options);
  }

  async check(): Promise<void> {
    const { root } = this.options;
    try {
      if (!(await stat(root)).isDirectory()) throw new Error(`${root} is not a folder`);
      await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
      await this.loadSalt();
      await ensureFolder(this.layout.temp, root);
      // Made while there is room: on a full disk nothing could be deleted without it.
      await ensureFolder(this.layout.trash, root);
      const probe = join(this.layout.temp, randomUUID());
      await writeFile(probe, 'probe', { mode: FILE_MODE, flag: 'wx' });
      await removeFile(probe);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT') throw new Error(`the blob folder ${root} does not exist`, { cause: error });
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
        throw new Error(`the blob folder ${root} cannot be written (${code})`, { cause: error });
      }
      throw error;
    }
  }

  /** P1 and P2 of `trash.ts`. Nothing is undone after P1: an equal put of the same owner may rely on the reference. */
  private async moveIn(
    written: WrittenFile,
    name: string,
    ownerKey: string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const target = this.layout.blob(name);
    try {
      signal?.throwIfAborted();
      await takeReference(this.layout, name, ownerKey);
      const replaced = await unless(['ENOENT'], stat(target));
      // Shard folders are never removed again.
      await ensureFolder(dirname(target), this.layout.root);
      await rename(written.path, target);
      this.usage.change(-(replaced?.size ?? 0));
    } catch (error) {
      this.usage.change(-written.byteSize);
      await removeFile(written.path);
      throw error;
    }
  }

  private async openChecked(ref: BlobRef, signal: AbortSignal | undefined): Promise<FileHandle> {
    signal?.throwIfAborted();
    // The name becomes a path.
    if (!isBlobName(ref.name)) throw new FoveaError('GONE');
    const handle = await openBlob(this.layout, ref.name);
    if (handle === undefined) throw new FoveaError('GONE');
    const facts = await handle.stat();
    if (facts.size !== ref.byteSize) {
      // Bytes that were never flushed when the host went down.
      await handle.close();
      throw new FoveaError('GONE', { detail: `${ref.name} has ${facts.size} of ${ref.byteSize} bytes` });
    }
    const now = new Date();
    // Best effort: an engine's user may read the folder but not own the files.
    if (now.getTime() - facts.mtimeMs > TOUCH_INTERVAL_MS) await handle.utimes(now, now).catch(() => {});
    return handle;
  }

  /** Evicts lingering blobs. Puts that wait for the same eviction may need more than it made: each looks once more. */
  private async makeRoom(bytes: number): Promise<void> {
    for (let attempt = 0; attempt < 2 && !this.usage.hasRoomFor(bytes); attempt += 1) {
      this.makingRoom ??= this.usage
        .refresh(true)
        .then(() => removeLingering(this.layout, this.usage, Number.NEGATIVE_INFINITY, bytes))
        .finally(() => {
          this.makingRoom = undefined;
        });
      await this.makingRoom;
    }
    if (!this.usage.hasRoomFor(bytes)) throw overQuota(this.usage.maxBytes);
  }

  private loadSalt(): Promise<Buffer> {
    this.salt ??= loadSalt(this.layout).catch((error: unknown) => {
      this.salt = undefined;
      throw error;
    });
    return this.salt;
  }
}

/** A `BlobStore` in a folder. Throws when `root` is not an absolute path; `check()` tells whether it can be used. */
export function createFileBlobStore(options: FileBlobStoreOptions): BlobStore {
  if (!isAbsolute(options.root)) throw new Error(`the blob folder must be an absolute path: ${options.root}`);
  return new FileBlobStore(options);
}
