import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { BlobRef } from '@fovea/schemas/jobs';
import { orUnavailable } from '../http/or-unavailable.js';
import type { FileCatalogue, FileLimits, FileUsage, StoredFile } from './file-catalogue.js';

/** Where a request names a file: `messages[0].content[1].image_file.file_id`. */
export interface NamedFile {
  readonly id: string;
  readonly path: string;
}

export interface Claimant {
  readonly tenant: string;
  readonly requestId: string;
}

/**
 * Pictures that tenants have sent once. A file holds its blob until it expires; a request that names it takes a reference of
 * its own, so that a file which is deleted meanwhile does not take the picture away from it.
 *
 * Where the catalogue cannot be reached every method throws `SERVICE_UNAVAILABLE`.
 *
 * Files that expire while nobody looks are let go of by the blob store's sweep; those of a tenant who comes back, at once.
 */
export class FileShelf {
  constructor(
    private readonly catalogue: FileCatalogue,
    private readonly blobs: BlobStore,
    private readonly limits: FileLimits,
  ) {}

  /** Throws `RATE_LIMITED` when not even an empty file would fit: said before a byte of the upload is read. */
  async requireRoom(tenant: string): Promise<void> {
    await this.#dropExpired(tenant);
    const usage = await orUnavailable(this.catalogue.usage(tenant));
    const { maxFiles, maxBytes } = this.limits;
    if (usage.files >= maxFiles || usage.bytes >= maxBytes) throw this.#full(usage);
  }

  /**
   * Shelves a file whose blob was put under the file's id. Throws `RATE_LIMITED` when the tenant has no room for it; the
   * blob is then the caller's to release, as after any error.
   */
  async add(tenant: string, file: StoredFile): Promise<void> {
    // In this order: what a crash in between leaves is a blob that is let go of in time, never a file without one.
    await this.blobs.hold(file.blob, { owner: file.id, untilMs: file.expiresAtMs });
    if (await orUnavailable(this.catalogue.add(tenant, file, this.limits))) return;
    throw this.#full(await orUnavailable(this.catalogue.usage(tenant)), file.blob.byteSize);
  }

  /** All files of the tenant, oldest first. */
  async list(tenant: string): Promise<StoredFile[]> {
    await this.#dropExpired(tenant);
    return orUnavailable(this.catalogue.list(tenant, Date.now()));
  }

  /** Throws `NOT_FOUND` for an id that is unknown, expired or another tenant's. */
  async find(tenant: string, id: string): Promise<StoredFile> {
    const file = (await orUnavailable(this.catalogue.find(tenant, [id], Date.now()))).get(id);
    if (file === undefined) throw noSuchFile('id');
    return file;
  }

  /** Requests that have named the file keep its picture until they end. Throws `NOT_FOUND` as `find` does. */
  async remove(tenant: string, id: string): Promise<void> {
    if (!(await orUnavailable(this.catalogue.remove(tenant, id, Date.now())))) throw noSuchFile('id');
    await this.blobs.release(id, { linger: false });
  }

  /**
   * The pictures of the named files by the paths at which they are named, held for the request. Throws `NOT_FOUND` with the
   * path of the first that is not there; what was taken by then is the caller's to release.
   */
  async claim(named: readonly NamedFile[], { tenant, requestId }: Claimant): Promise<Map<string, BlobRef>> {
    const ids = new Set(named.map(({ id }) => id));
    const found = await orUnavailable(this.catalogue.find(tenant, [...ids], Date.now()));
    const held = new Set<string>();
    const claimed = new Map<string, BlobRef>();
    for (const { id, path } of named) {
      const file = found.get(id);
      if (file === undefined) throw noSuchFile(path);
      if (!held.has(id)) await this.#hold(file.blob, requestId, path);
      held.add(id);
      claimed.set(path, file.blob);
    }
    return claimed;
  }

  async #hold(blob: BlobRef, owner: string, path: string): Promise<void> {
    try {
      await this.blobs.hold(blob, { owner });
    } catch (error) {
      // Deleted or expired since it was found.
      if (FoveaError.isInstance(error) && error.code === 'GONE') throw noSuchFile(path);
      throw error;
    }
  }

  async #dropExpired(tenant: string): Promise<void> {
    for (const id of await orUnavailable(this.catalogue.takeExpired(tenant, Date.now()))) {
      await this.blobs.release(id, { linger: false });
    }
  }

  #full({ files, bytes, nextExpiryMs }: FileUsage, addedBytes = 0): FoveaError {
    const { maxFiles, maxBytes } = this.limits;
    const limit =
      files >= maxFiles
        ? { name: 'max_files_per_tenant', value: maxFiles }
        : { name: 'max_file_bytes_per_tenant', value: maxBytes, actual: bytes + addedBytes };
    return new FoveaError('RATE_LIMITED', {
      message: 'There is no room for another file. Delete some, or wait until they expire.',
      limit,
      retryAfterS: Math.max(1, ((nextExpiryMs ?? 0) - Date.now()) / 1000),
    });
  }
}

/** The same answer for a file that never was and for one of another tenant. */
function noSuchFile(param: string): FoveaError {
  return new FoveaError('NOT_FOUND', { message: 'No such file; it may have expired.', param });
}
