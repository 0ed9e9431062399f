import { FoveaError } from '@fovea/errors';

export const refuseSchema = (path: string, message: string): FoveaError =>
  new FoveaError('INVALID_REQUEST', { message: `${path}: ${message}`, param: path });

/** `name` is the one of `GET /limits`. */
export const overSchemaLimit = (path: string, name: string, value: number, what: string): FoveaError =>
  new FoveaError('INVALID_REQUEST', {
    message: `${path}: ${what} may be at most ${value}.`,
    param: path,
    limit: { name, value },
  });
