import type { ErrorCode } from '@fovea/errors';

/** What can go wrong with any request that has a body and becomes a job. */
export const jobErrors = [
  'INVALID_REQUEST',
  'MISSING_CAPABILITY',
  'CONTEXT_LENGTH_EXCEEDED',
  'UNAUTHORIZED',
  'UNKNOWN_MODEL',
  'REQUEST_TIMEOUT',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'RATE_LIMITED',
  'INTERNAL',
  'BACKEND_ERROR',
  'QUEUE_FULL',
  'STORAGE_FULL',
  'MODEL_UNAVAILABLE',
  'SERVICE_UNAVAILABLE',
  'TIMEOUT',
] as const satisfies readonly ErrorCode[];

/** What can be wrong with pictures in a body. */
export const imageErrors = [
  'INVALID_IMAGE',
  'IMAGE_TOO_LARGE',
  'EXTERNAL_IMAGE_URL',
] as const satisfies readonly ErrorCode[];
