import { FoveaError } from '@fovea/errors';

/** vLLM's error body. `code` is the status, as a number. */
export interface VllmErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: number;
  };
}

const typeOfStatus = new Map([
  [400, 'BadRequestError'],
  [404, 'NotFoundError'],
  [413, 'RequestEntityTooLargeError'],
  [501, 'NotImplementedError'],
  [503, 'ServiceUnavailableError'],
]);

export function vllmError(status: number, message: string, type?: string, param?: string): VllmErrorBody {
  const known = typeOfStatus.get(status) ?? 'InternalServerError';
  return { error: { message, type: type ?? known, param: param ?? null, code: status } };
}

/** The type vLLM gives to what its schema, its JSON parser or its content-type rule refuses. */
export const BAD_REQUEST_TYPE = 'Bad Request';

/** Refused by the shape of the body, before any model is asked. */
export class MalformedRequest extends Error {
  override readonly name = 'MalformedRequest';

  constructor(
    message: string,
    readonly param?: string,
  ) {
    super(message);
  }
}

/** Refused as vLLM refuses it, with a status that no code of the catalogue has for it. The message is for clients. */
export class VllmFailure extends Error {
  override readonly name = 'VllmFailure';
  readonly param: string | undefined;

  constructor(
    readonly status: number,
    message: string,
    options: { readonly param?: string; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.param = options.param;
  }
}

/** The body for whatever was thrown. What is not meant for clients becomes "Internal server error". */
export function toVllmError(thrown: unknown): VllmErrorBody {
  if (thrown instanceof MalformedRequest) {
    return vllmError(400, thrown.message, BAD_REQUEST_TYPE, thrown.param);
  }
  if (thrown instanceof VllmFailure) {
    return vllmError(thrown.status, thrown.message, undefined, thrown.param);
  }
  const error = FoveaError.from(thrown);
  if (error.status >= 500 && error.code !== 'QUEUE_FULL') return vllmError(500, 'Internal server error');
  return vllmError(error.status, error.message, undefined, error.param);
}
