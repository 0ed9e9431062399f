import type { Json, RouteSpec } from './routes/route-spec.js';

/** Headers of answers, as components of the document. */
export const headerComponents = {
  RequestId: {
    description: 'The id of this request, in every log line about it.',
    required: true,
    schema: { type: 'string', format: 'uuid' },
    example: '0198c0de-0000-7000-8000-000000000000',
  },
  QueueTimeMs: {
    description: 'How long the request waited for a worker, in milliseconds.',
    schema: { type: 'integer', minimum: 0 },
    example: 12,
  },
  IgnoredParams: {
    description: 'Keys of the body that nobody here knows, percent-encoded, separated by commas.',
    schema: { type: 'string' },
    example: 'speed, best_guess',
  },
  RetryAfter: {
    description: 'Seconds after which the same request may be sent again.',
    schema: { type: 'integer', minimum: 1 },
    example: 1,
  },
  ShouldRetry: {
    description: '`false` where sending the same again is of no use, whatever the status says.',
    schema: { type: 'string', const: 'false' },
  },
  Authenticate: { description: 'How to authenticate.', schema: { type: 'string', const: 'Bearer' } },
} as const satisfies Record<string, Json>;

const header = (name: keyof typeof headerComponents): Json => ({ $ref: `#/components/headers/${name}` });
const always: Json = { 'x-request-id': header('RequestId') };

/** Of a good answer. Whatever becomes a job may have to wait for `MODEL_UNAVAILABLE`. */
export function successHeaders({ errors, request }: RouteSpec): Json {
  const isJob = errors.some(({ code }) => code === 'MODEL_UNAVAILABLE');
  return {
    ...always,
    ...(isJob ? { 'x-queue-time-ms': header('QueueTimeMs') } : {}),
    ...(isJob && request !== undefined ? { 'x-ignored-params': header('IgnoredParams') } : {}),
  };
}

/** `Retry-After` goes out with 429 and 503 only. */
export function errorHeaders(status: number): Json {
  const isBusy = status === 429 || status === 503;
  return {
    ...always,
    ...(isBusy ? { 'retry-after': header('RetryAfter') } : {}),
    ...(status >= 500 ? { 'x-should-retry': header('ShouldRetry') } : {}),
    ...(status === 401 ? { 'www-authenticate': header('Authenticate') } : {}),
  };
}
