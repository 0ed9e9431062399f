import type { BlobRef } from '@fovea/schemas/jobs';

export { type BlobStoreLocation, parseBlobStoreUrl, problemOfBlobStoreUrl } from './blob-store-url.js';

export interface PutOptions {
  /** The tenant is part of the name: equal bytes of two tenants are two blobs. */
  readonly tenant: string;
  /** Who needs it: the request id. One owner holds one reference however often it puts the same bytes. */
  readonly owner: string;
  readonly mediaType: string;
  readonly signal?: AbortSignal;
}

export interface HoldOptions {
  readonly owner: string;
  /**
   * When the reference may be dropped although nobody released it (ms since 1970). Without it, when it is older than any
   * request can live.
   */
  readonly untilMs?: number;
}

export interface ReleaseOptions {
  /**
   * False deletes what nobody else refers to at once: a refused request leaves nothing behind.
   * True lets it linger, because the next turn of a conversation sends the same picture again.
   */
  readonly linger: boolean;
}

/** Where a store that keeps files has one. */
export interface BlobFile {
  /** Absolute, as this process sees it. */
  readonly path: string;
  /** The same below the store’s folder, which other processes may see elsewhere. */
  readonly below: string;
}

/** What the folder of a store holds, and what of it nobody needs any more but nobody has swept. */
export interface FolderReport {
  readonly blobs: number;
  readonly bytes: number;
  /** Without a reference, and not used for longer than blobs linger. */
  readonly overdueBlobs: number;
  readonly overdueBytes: number;
  /** Older than any request can live, or past the time they name. */
  readonly overdueReferences: number;
  /** Of the disk, as far as this user may fill it. */
  readonly freeBytes: number;
  readonly diskBytes: number;
}

export interface SweepReport {
  readonly deletedBlobs: number;
  readonly deletedBytes: number;
  readonly droppedReferences: number;
}

/**
 * Claim-check store for media (DESIGN D2).
 *
 * Ownership: a blob lives as long as some owner holds a reference; `put` and `hold` take one, `release` drops all of
 * an owner's. A blob without references may linger (`BLOB_LINGER_S`) and is deleted by `sweep`, least recently used
 * first when over quota. `sweep` also drops references older than any request can live, which a killed process
 * left behind. A put that fails or is aborted leaves no trace. Not in the contract: listing, metadata, ranges.
 */
export abstract class BlobStore {
  /** Stores a stream of bytes. Throws `STORAGE_FULL` when quota or disk are exhausted. */
  abstract put(bytes: AsyncIterable<Uint8Array>, options: PutOptions): Promise<BlobRef>;
  /**
   * The bytes in chunks, to be read at once: what is opened stays open until the loop over it is left.
   * A chunk holds until the next one is asked for, then its memory may be used again. Throws `GONE` when the blob does
   * not exist (any more).
   */
  abstract open(ref: BlobRef, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** The same, whole, for readers that need every byte at once. */
  abstract read(ref: BlobRef, signal?: AbortSignal): Promise<Buffer>;
  /**
   * The file with the blob's bytes, for readers that want a path. It is there as long as an owner holds a reference, and may
   * only be read. Undefined for stores without files, and for what is no blob's name.
   */
  abstract locate(ref: BlobRef): BlobFile | undefined;
  /** Takes a reference to a blob that is there. Throws `GONE` when it isn't; the owner may then be released as ever. */
  abstract hold(ref: BlobRef, options: HoldOptions): Promise<void>;
  /** Not while a put or hold of the same owner is under way: what that takes may stay until it is swept. */
  abstract release(owner: string, options: ReleaseOptions): Promise<void>;
  abstract sweep(nowMs: number): Promise<SweepReport>;
  /** Throws with a plain reason when the store cannot be used (missing folder, no permission). */
  abstract check(): Promise<void>;
}
