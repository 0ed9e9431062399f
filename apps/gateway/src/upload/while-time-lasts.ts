import type { Readable } from 'node:stream';
import { FoveaError } from '@fovea/errors';

/** Ends the body with the reason of `signal` when that aborts, also while the client is silent. */
export async function whileTimeLasts<T>(
  body: Readable,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const end = (): void => {
    body.destroy(uploadError(signal.reason));
  };
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Time that ran out in the middle of an upload is the upload's. */
function uploadError(reason: unknown): FoveaError {
  const error = FoveaError.from(reason);
  return error.code === 'TIMEOUT' ? new FoveaError('REQUEST_TIMEOUT', { limit: error.limit }) : error;
}
