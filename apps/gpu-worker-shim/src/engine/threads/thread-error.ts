import { type ErrorCode, FoveaError } from '@fovea/errors';

/** An error as plain data: structured clone keeps no class and no extra field of an `Error`. */
export interface ThreadError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly param?: string;
  readonly limit?: NonNullable<FoveaError['limit']>;
  readonly detail?: string;
}

export function toThreadError(value: unknown): ThreadError {
  const error = FoveaError.from(value);
  return {
    code: error.code,
    message: error.message,
    ...(error.param !== undefined && { param: error.param }),
    ...(error.limit !== undefined && { limit: error.limit }),
    ...(error.detail !== undefined && { detail: error.detail }),
  };
}

export function fromThreadError({ code, ...options }: ThreadError): FoveaError {
  return new FoveaError(code, options);
}
