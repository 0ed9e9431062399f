import { diskFull } from '../storage-full.js';

/** Codes by which S3-compatible servers say that the bucket or their disk is full; some send status 507 as well. */
const FULL_CODES = [
  'InsufficientStorage',
  'QuotaExceeded',
  'XMinioAdminBucketQuotaExceeded',
  'XMinioStorageFull',
];
const STATUS_INSUFFICIENT_STORAGE = 507;

/**
 * A request that S3 refused or that never got there. Made anew instead of passing on the SDK's error, which drags
 * along the access key, the signature and the whole exchange; logs would show them.
 */
export class S3RequestError extends Error {
  override readonly name = 'S3RequestError';

  constructor(
    readonly operation: string,
    /** S3's error code, `NoSuchKey`, or that of the network, `ECONNREFUSED`. */
    readonly code: string,
    /** HTTP status; undefined when there was no answer. */
    readonly status: number | undefined,
  ) {
    super(`S3 ${operation}: ${code}${status === undefined ? '' : ` (${status})`}`);
  }
}

const property = (of: unknown, name: string): unknown =>
  typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined;

/** The code of a system error says more than its name, `Error`. */
function codeOf(error: unknown): string {
  // Several addresses were tried, and each failed in its own way.
  const errors = property(error, 'errors');
  const first = Array.isArray(errors) ? property(errors[0], 'code') : undefined;
  for (const code of [property(error, 'code'), first, property(error, 'name')]) {
    if (typeof code === 'string' && code !== '') return code;
  }
  return 'UnknownError';
}

/** What a failed SDK call is to the store's users: `STORAGE_FULL`, else an `S3RequestError`. */
export function translateError(operation: string, error: unknown): Error {
  const status = property(property(error, '$metadata'), 'httpStatusCode');
  const translated = new S3RequestError(
    operation,
    codeOf(error),
    typeof status === 'number' ? status : undefined,
  );
  const isFull = status === STATUS_INSUFFICIENT_STORAGE || FULL_CODES.includes(translated.code);
  return isFull ? diskFull(translated) : translated;
}

/** Runs `work`; undefined when it fails with one of `codes`. */
export async function unlessCode<T>(codes: readonly string[], work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof S3RequestError && codes.includes(error.code)) return undefined;
    throw error;
  }
}
