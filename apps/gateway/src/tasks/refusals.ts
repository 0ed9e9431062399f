import { FoveaError } from '@fovea/errors';

/** The request contradicts itself. */
export const refuse = (message: string, param: string): FoveaError =>
  new FoveaError('INVALID_REQUEST', { message, param });

/** The model's package does not offer it. */
export const missing = (message: string, param: string): FoveaError =>
  new FoveaError('MISSING_CAPABILITY', { message, param });

/** Throws `INVALID_REQUEST` with the limit when the list at `param` is longer. What is no list is for the schema to refuse. */
export function requireAtMost(list: unknown, limit: { name: string; value: number }, param: string): void {
  if (!Array.isArray(list) || list.length <= limit.value) return;
  throw new FoveaError('INVALID_REQUEST', {
    message: `${param}: at most ${limit.value}, found ${list.length}`,
    param,
    limit: { ...limit, actual: list.length },
  });
}
