import { FoveaError } from '@fovea/errors';

/** The request contradicts itself. */
export const refuse = (message: string, param: string): FoveaError =>
  new FoveaError('INVALID_REQUEST', { message, param });

/** The model's package does not offer it. */
export const missing = (message: string, param: string): FoveaError =>
  new FoveaError('MISSING_CAPABILITY', { message, param });
