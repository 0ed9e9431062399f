/**
 * The error catalogue. Every error that can reach a client, a log line or an event is one entry here;
 * `docs/reference/errors.md` is generated from it and a test proves that both agree.
 */
export interface ErrorEntry {
  /** HTTP status. Events that never become a response of their own carry the status they would have. */
  readonly status: number;
  /** OpenAI's `error.type`. */
  readonly type: string;
  /** Public text used when the thrower gives none. */
  readonly text: string;
  /** May the same request succeed later, unchanged? */
  readonly retryable: boolean;
  /** Where the code can appear. */
  readonly surface: 'http' | 'event' | 'log';
  /** One sentence for the reference page: when it happens and what to do. */
  readonly help: string;
}

const http = (status: number, type: string, text: string, help: string, retryable = false): ErrorEntry => ({
  status,
  type,
  text,
  help,
  retryable,
  surface: 'http',
});

const invalid = (text: string, help: string): ErrorEntry => http(400, 'invalid_request_error', text, help);

export const catalogue = {
  UNAUTHORIZED: http(
    401,
    'authentication_error',
    'A valid API key is required.',
    'The Authorization header is missing or its bearer key is unknown. Send `Authorization: Bearer <key>`.',
  ),
  FORBIDDEN: http(
    403,
    'permission_error',
    'This key may not do that.',
    'The key is valid but lacks the right, for example an ordinary key on an admin route.',
  ),
  NOT_FOUND: http(
    404,
    'not_found_error',
    'No such route.',
    'The path does not exist (`/docs` lists every route), or a stored file or API key does not: its id is unknown, expired, or belongs to another tenant.',
  ),
  METHOD_NOT_ALLOWED: http(
    405,
    'invalid_request_error',
    'This route does not take that method.',
    'The path exists, the method does not. The `Allow` header names those that do.',
  ),
  INVALID_REQUEST: invalid(
    'The request is not valid.',
    'The body is not JSON, or a field has a wrong type or value. `param` holds the path of the field.',
  ),
  MISSING_CAPABILITY: invalid(
    'The model cannot do that.',
    'The model package does not offer the task or input, for example an image for a model without `multimodal_enabled`.',
  ),
  INVALID_IMAGE: invalid(
    'The image cannot be read.',
    'Broken base64, an unknown format, or a damaged file. PNG, JPEG, WebP and GIF are read, by content.',
  ),
  IMAGE_TOO_LARGE: invalid(
    'The image is too large.',
    'A side is over the limit of 4000 pixels. Scale the image down; `limit` names the bound.',
  ),
  EXTERNAL_IMAGE_URL: invalid(
    'External image links are not supported.',
    'Images travel in the body as base64 data URLs; nothing is ever fetched from elsewhere.',
  ),
  INVALID_AUDIO: invalid(
    'The audio cannot be read.',
    'The upload is not an audio file that the decoder knows.',
  ),
  CONTEXT_LENGTH_EXCEEDED: invalid(
    'The prompt does not fit the context of the model.',
    'Text and image tokens together exceed the context length. Send less or choose a larger model.',
  ),
  UNKNOWN_MODEL: http(
    404,
    'not_found_error',
    'No such model.',
    'No worker has registered a model of that name. `GET /v1/models` lists them.',
  ),
  UNKNOWN_REQUEST: http(
    404,
    'not_found_error',
    'No such request.',
    'The id is unknown, expired, or belongs to another tenant.',
  ),
  REQUEST_TIMEOUT: http(
    408,
    'timeout_error',
    'The upload took too long.',
    'The headers or the body did not arrive in time, or too slowly. Check the connection or send less.',
    true,
  ),
  GONE: http(
    410,
    'not_found_error',
    'This is no longer here.',
    'The answer existed and has been deleted since.',
  ),
  PAYLOAD_TOO_LARGE: http(
    413,
    'invalid_request_error',
    'The request body is too large.',
    'The whole request may have 134,217,728 bytes (128 MiB). `limit` names the bound.',
  ),
  UNSUPPORTED_MEDIA_TYPE: http(
    415,
    'invalid_request_error',
    'The content type is not supported.',
    'Send `Content-Type: application/json`, or `multipart/form-data` where a route takes a form. A packed body is gzip, deflate or br by `Content-Encoding`.',
  ),
  RATE_LIMITED: http(
    429,
    'rate_limit_error',
    'Too many requests for this key.',
    'A limit of the key is reached. Wait for `Retry-After` seconds.',
    true,
  ),
  HEADERS_TOO_LARGE: http(
    431,
    'invalid_request_error',
    'The headers are too large.',
    'Send smaller headers.',
  ),
  CLIENT_CLOSED: {
    status: 499,
    type: 'cancelled',
    text: 'The client closed the connection.',
    retryable: false,
    surface: 'log',
    help: 'Only in logs and metrics: the client left before the answer was complete.',
  },
  INTERNAL: http(
    500,
    'server_error',
    'Something went wrong here.',
    'A bug or a broken dependency. The log line with the same request id says more.',
    true,
  ),
  BACKEND_ERROR: http(
    502,
    'server_error',
    'The engine failed to answer.',
    'The engine behind the worker refused the request, broke off, or answered nonsense.',
    true,
  ),
  QUEUE_FULL: http(
    503,
    'overloaded_error',
    'The queue of this model is full.',
    'The model has more waiting work than it can finish in time. Wait for `Retry-After` seconds.',
    true,
  ),
  STORAGE_FULL: http(
    503,
    'overloaded_error',
    'There is no room to store the request.',
    'The blob store reached its quota or the disk is full. Wait for `Retry-After` seconds.',
    true,
  ),
  SERVICE_UNAVAILABLE: http(
    503,
    'overloaded_error',
    'A part of the service cannot be reached at the moment.',
    'The gateway cannot reach what it needs to answer, for example Redis to look up a created API key. Wait for `Retry-After` seconds.',
    true,
  ),
  MODEL_UNAVAILABLE: http(
    503,
    'overloaded_error',
    'No worker serves this model at the moment.',
    'The model is known but no worker has been present for the grace period, or its operator takes it out of use. Wait for `Retry-After` seconds.',
    true,
  ),
  TIMEOUT: http(
    504,
    'timeout_error',
    'The answer was not ready in time.',
    'The whole request took longer than `REQUEST_TIMEOUT_S`.',
    true,
  ),
  CANCELLED: {
    status: 499,
    type: 'cancelled',
    text: 'The request was cancelled.',
    retryable: false,
    surface: 'event',
    help: 'The terminal event of a request whose client left or whose interest lease lapsed.',
  },
  STREAM_INTERRUPTED: {
    status: 502,
    type: 'server_error',
    text: 'The worker was lost in the middle of the answer.',
    retryable: true,
    surface: 'event',
    help: 'Part of the answer had been sent when its worker died. The stream ends with this event and no [DONE].',
  },
  MODEL_PACKAGE_CONFLICT: {
    status: 409,
    type: 'conflict_error',
    text: 'The model package conflicts with a registered one.',
    retryable: false,
    surface: 'http',
    help: 'A worker registers the same version with other content, or a model name that another checkpoint offers: raise `version` or rename. Or a package is to be removed that is in use: stop its workers first.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof catalogue;

/** All codes, in catalogue order. */
export const errorCodes = Object.keys(catalogue) as ErrorCode[];

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(catalogue, value);
}
