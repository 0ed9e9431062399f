import { parseBlobStoreUrl } from './blob-store-url.js';
import { createFileBlobStore } from './file.js';
import type { BlobStore } from './index.js';
import type { S3Credentials } from './s3.js';

export interface BlobStoreSettings {
  /** How long a blob outlives its last reference; 0 deletes it with that. */
  readonly lingerS: number;
  /** References and unfinished writes older than this were left by a killed process. Longer than any request lives. */
  readonly maxReferenceAgeS: number;
  /** Most bytes the store may hold; without it the adapter's default. */
  readonly maxBytes?: number | undefined;
  /** Keys of `s3:`, as the environment has them; both or none. */
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  readonly sessionToken?: string | undefined;
}

function credentialsOf(settings: BlobStoreSettings): S3Credentials | undefined {
  const { accessKeyId, secretAccessKey, sessionToken } = settings;
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new Error('expected AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY together, or neither');
  }
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

/**
 * The store that `BLOB_STORE_URL` names, for composition roots. Throws what `parseBlobStoreUrl` throws; `check()` of
 * the result tells whether it can be used. The S3 adapter is loaded only when it is asked for: its SDK is large.
 */
export async function createBlobStore(url: string, settings: BlobStoreSettings): Promise<BlobStore> {
  const location = parseBlobStoreUrl(url);
  const { lingerS, maxReferenceAgeS, maxBytes } = settings;
  const options = { lingerS, maxReferenceAgeS, ...(maxBytes === undefined ? {} : { maxBytes }) };
  if (location.kind === 'file') return createFileBlobStore({ root: location.root, ...options });
  const credentials = credentialsOf(settings);
  const { createS3BlobStore } = await import('./s3.js');
  return createS3BlobStore({ location, ...(credentials === undefined ? {} : { credentials }), ...options });
}
