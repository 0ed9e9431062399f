import { randomUUID } from 'node:crypto';
import type { S3Location } from '../blob-store-url.js';
import type { Bucket } from './bucket.js';
import { keys } from './layout.js';
import { S3RequestError } from './request-error.js';

/** What to do about errors that every operator meets once. */
function hintFor(error: S3RequestError, { bucket, endpoint, region }: S3Location): string | undefined {
  switch (error.code) {
    case 'NoSuchBucket':
      return `the bucket ${bucket} does not exist`;
    case 'CredentialsProviderError':
      return 'no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role';
    case 'InvalidAccessKeyId':
    case 'SignatureDoesNotMatch':
      return `the bucket ${bucket} does not accept the credentials (${error.code})`;
    case 'AccessDenied':
    case 'Forbidden':
      return `the credentials do not allow ${error.operation} in the bucket ${bucket}`;
    case 'PermanentRedirect':
    case 'AuthorizationHeaderMalformed':
      return `the bucket ${bucket} is not in the region ${region}: add ?region=…`;
    default:
      return error.status === undefined
        ? `${endpoint ?? `S3 in ${region}`} cannot be reached (${error.code})`
        : undefined;
  }
}

/** Does once what the store does all the time. Throws with a plain reason. */
export async function checkBucket(
  bucket: Bucket,
  location: S3Location,
  loadSalt: () => Promise<unknown>,
): Promise<void> {
  try {
    await loadSalt();
    const probe = keys.probe(randomUUID());
    await bucket.put(probe);
    await bucket.isAny(probe);
    await bucket.remove(probe);
  } catch (error) {
    const hint = error instanceof S3RequestError ? hintFor(error, location) : undefined;
    throw hint === undefined ? error : new Error(hint, { cause: error });
  }
}
