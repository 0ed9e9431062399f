import type { ErrorForm } from '../script/behaviour.js';

export interface VllmErrorOptions {
  readonly type?: string;
  readonly param?: string;
  /** The shape of the body where it is not the dialect's usual one. */
  readonly form?: ErrorForm;
}

/** An error as vLLM reports it: the status decides the type unless one is given. */
export class VllmError extends Error {
  override readonly name = 'VllmError';
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  readonly form: ErrorForm | undefined;

  constructor(status: number, message: string, options: VllmErrorOptions = {}) {
    super(message);
    this.status = status;
    this.type = options.type ?? typeOfStatus(status);
    this.param = options.param ?? null;
    this.form = options.form;
  }
}

const types: Readonly<Record<number, string>> = {
  400: 'BadRequestError',
  401: 'AuthenticationError',
  404: 'NotFoundError',
  429: 'RateLimitError',
  501: 'NotImplementedError',
  503: 'ServiceUnavailableError',
};

/** vLLM's `error.type` for a status. */
export function typeOfStatus(status: number): string {
  return types[status] ?? (status < 500 ? 'BadRequestError' : 'InternalServerError');
}

/** The 404 for a name that is not served. */
export function unknownModel(name: string | null | undefined): VllmError {
  return new VllmError(404, `The model \`${name}\` does not exist.`, { param: 'model' });
}
