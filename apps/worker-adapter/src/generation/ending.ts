import { type ErrorCode, FoveaError } from '@fovea/errors';
import type { ErrorEvent, Usage } from '@fovea/schemas/events';
import type { StopCause } from './generation-stop.js';

/**
 * Attempts a job gets before its failure is told to the client. A job that ends its workers one by one is not
 * handed on for ever.
 */
export const MAX_ATTEMPTS = 3;

/** How an attempt ends, and so what is written, released and settled. */
export type Ending =
  /** The terminal event of the engine is in the log: release, acknowledge. */
  | { readonly kind: 'completed' }
  /** A terminal event of somebody else is in the log: release, acknowledge. */
  | { readonly kind: 'already-ended' }
  /** Write this error with the usage so far, release, acknowledge. */
  | { readonly kind: 'error'; readonly error: FoveaError }
  /** Nothing was written and another attempt may do better: give the job back. */
  | { readonly kind: 'hand-back'; readonly error: FoveaError | undefined }
  /** The lock is lost: the job is no longer ours, touch nothing. */
  | { readonly kind: 'abandoned' };

/** What an outside stop means, given whether a client may have seen part of the answer. */
export function endingOfStop(cause: StopCause, hasOutput: boolean): Ending {
  switch (cause) {
    case 'cancelled':
      return { kind: 'error', error: new FoveaError('CANCELLED') };
    case 'deadline':
      return { kind: 'error', error: new FoveaError('TIMEOUT') };
    case 'lease-lost':
      return { kind: 'abandoned' };
    case 'fenced':
      // The lock is still ours, so it was an attempt without one that took the fence: the next one asks the log.
      return { kind: 'hand-back', error: undefined };
    case 'ended':
      return { kind: 'already-ended' };
    case 'log-failed':
      return { kind: 'error', error: new FoveaError('INTERNAL', { detail: 'the log refused a write' }) };
    case 'shutdown':
      return hasOutput
        ? { kind: 'error', error: new FoveaError('STREAM_INTERRUPTED') }
        : { kind: 'hand-back', error: undefined };
  }
}

/** Failures of one engine that another engine need not repeat. */
const failuresOfTheEngine: ReadonlySet<ErrorCode> = new Set(['BACKEND_ERROR', 'MODEL_UNAVAILABLE']);

/** The engine has no room now, which is nobody's failure: the job waits for a place, and no attempt ends. */
export const isOverload = (failure: unknown): failure is FoveaError =>
  FoveaError.isInstance(failure) && failure.code === 'QUEUE_FULL';

/** What a failure of the attempt itself means. */
export function endingOfFailure(failure: unknown, hasOutput: boolean, attempt: number): Ending {
  const error = FoveaError.from(failure);
  const mayRepeat = !hasOutput && attempt < MAX_ATTEMPTS && failuresOfTheEngine.has(error.code);
  return mayRepeat ? { kind: 'hand-back', error } : { kind: 'error', error };
}

/** The public side of an error: what the log keeps and the client reads. */
export function toErrorEvent(error: FoveaError, usage: Usage): ErrorEvent {
  const { limit } = error;
  return {
    type: 'error',
    code: error.code,
    message: error.message,
    usage,
    ...(error.param === undefined ? {} : { param: error.param }),
    ...(limit === undefined ? {} : { limit: { ...limit } }),
    ...(error.retryAfterS === undefined ? {} : { retryAfterS: Math.max(1, Math.ceil(error.retryAfterS)) }),
  };
}
