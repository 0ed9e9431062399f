import { FoveaError } from '@fovea/errors';

/** What bounds a form; the body as a whole is bounded by whoever reads it from the wire. */
export interface FormLimits {
  readonly maxParts: number;
  /** Headers of one part. */
  readonly maxHeaderBytes: number;
  /** In UTF-16 units, as JavaScript counts. */
  readonly maxFileNameLength: number;
}

export const defaultFormLimits: FormLimits = {
  maxParts: 16,
  maxHeaderBytes: 8 * 1024,
  maxFileNameLength: 255,
};

/** Most bytes of a field that is not a file. */
export const MAX_FIELD_BYTES = 64 * 1024;

/** `INVALID_REQUEST` about a form; `part` is the name of the part it happened in. */
export function invalidForm(message: string, part?: string, limit?: FoveaError['limit']): FoveaError {
  return new FoveaError('INVALID_REQUEST', { message, param: part, limit });
}
