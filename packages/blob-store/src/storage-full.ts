import { FoveaError } from '@fovea/errors';

const RETRY_AFTER_S = 10;

/** Over the store's own quota of `maxBytes`. */
export function overQuota(maxBytes: number): FoveaError {
  return new FoveaError('STORAGE_FULL', {
    retryAfterS: RETRY_AFTER_S,
    limit: { name: 'blob_store_bytes', value: maxBytes },
  });
}

/** The disk or the bucket says that it is full. */
export function diskFull(cause: unknown): FoveaError {
  return new FoveaError('STORAGE_FULL', { retryAfterS: RETRY_AFTER_S, cause });
}
