import { FoveaError } from '@fovea/errors';

const RETRY_AFTER_S = 2;

/** What a store was asked; `SERVICE_UNAVAILABLE` instead of an error that is none of ours: it could not be reached. */
export async function orUnavailable<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (FoveaError.isInstance(error)) throw error;
    throw new FoveaError('SERVICE_UNAVAILABLE', { cause: error, retryAfterS: RETRY_AFTER_S });
  }
}
