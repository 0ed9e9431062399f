import { FoveaError } from '@fovea/errors';

/** `PAYLOAD_TOO_LARGE` with the limit, and the declared size where there is one. */
export function tooLarge(value: number, actual: number | undefined): FoveaError {
  const name = 'max_body_bytes';
  return new FoveaError('PAYLOAD_TOO_LARGE', {
    message: `The request body is over the limit of ${value} bytes.`,
    limit: actual === undefined ? { name, value } : { name, value, actual },
  });
}
