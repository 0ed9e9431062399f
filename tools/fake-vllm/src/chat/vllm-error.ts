/** An error as vLLM reports it: the status decides the type unless one is given. */
export class VllmError extends Error {
  override readonly name = 'VllmError';
  readonly status: number;
  readonly type: string;
  readonly param: string | null;

  constructor(status: number, message: string, options: { type?: string; param?: string } = {}) {
    super(message);
    this.status = status;
    this.type = options.type ?? typeOfStatus(status);
    this.param = options.param ?? null;
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
