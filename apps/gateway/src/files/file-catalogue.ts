import { filePurposeSchema } from '@fovea/schemas/http';
import { blobRefSchema } from '@fovea/schemas/jobs';
import { z } from 'zod';

/** A picture that was sent once, to be named in any number of requests. */
export const storedFileSchema = z.object({
  id: z.string(),
  blob: blobRefSchema,
  fileName: z.string(),
  purpose: filePurposeSchema,
  /** Milliseconds since the epoch, by the gateway's clock. */
  createdAtMs: z.number().int(),
  expiresAtMs: z.number().int(),
});
export type StoredFile = z.infer<typeof storedFileSchema>;

export interface FileLimits {
  readonly maxFiles: number;
  readonly maxBytes: number;
}

/** What a tenant's files take up. */
export interface FileUsage {
  readonly files: number;
  readonly bytes: number;
  /** When the next of them expires; undefined when there is none. */
  readonly nextExpiryMs: number | undefined;
}

/**
 * Which files each tenant has stored: names and references, never bytes.
 *
 * Ownership: the catalogue knows nothing of blobs. Whoever adds a file holds its blob until it expires, and lets go of it
 * when the catalogue says that the file is gone (`remove`, `takeExpired`). A tenant's files are invisible to all others.
 * Expired files are never found, even before they are taken out. Time is the caller's.
 */
export abstract class FileCatalogue {
  /** Adds a file within the tenant's limits; false when it does not fit, decided in one step with the adding. */
  abstract add(tenant: string, file: StoredFile, limits: FileLimits): Promise<boolean>;
  /** Those of the ids that exist. */
  abstract find(tenant: string, ids: readonly string[], nowMs: number): Promise<Map<string, StoredFile>>;
  /** All files, oldest first. */
  abstract list(tenant: string, nowMs: number): Promise<StoredFile[]>;
  /** False when there was none (any more). */
  abstract remove(tenant: string, id: string, nowMs: number): Promise<boolean>;
  /** Takes expired files out and says which. */
  abstract takeExpired(tenant: string, nowMs: number): Promise<string[]>;
  abstract usage(tenant: string): Promise<FileUsage>;
  abstract close(): Promise<void>;
}
