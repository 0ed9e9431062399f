import { type ErrorCode, FoveaError } from '@fovea/errors';
import { condemned } from '@fovea/quarantine';
import type { ErrorEvent, Usage } from '@fovea/schemas/events';
import type { Verdict } from '../../engine/runs/run.js';
import type { StopCause } from '../triggers/generation-stop.js';

/** From this attempt on the failure of an engine that lives is told to the client: another one would not do better. */
export const ATTEMPTS_ON_LIVING_ENGINES = 3;

/**
 * Attempts a job gets at all. Those that ended with their engine or their worker are innocent as far as anybody knows, and
 * go on until their deadline; but a job that ends its workers one by one is not handed on for ever.
 */
export const MAX_ATTEMPTS = 10;

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
export function endingOfStop(cause: StopCause, hasOutput: boolean, attempt = 1): Ending {
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
    case 'stalled':
      return hasOutput
        ? { kind: 'error', error: new FoveaError('STREAM_INTERRUPTED') }
        : repeat(stalled(), attempt);
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

const stalled = (): FoveaError => new FoveaError('BACKEND_ERROR', { detail: 'the engine makes no progress' });

function repeat(error: FoveaError, attempt: number, maxAttempts = ATTEMPTS_ON_LIVING_ENGINES): Ending {
  return attempt < maxAttempts ? { kind: 'hand-back', error } : { kind: 'error', error };
}

export interface FailedAttempt {
  readonly hasOutput: boolean;
  readonly attempt: number;
  /** What its failure says of the engine; undefined when it ran on none, or was refused. */
  readonly verdict: Verdict | undefined;
}

/** What a failure of the attempt itself means. */
export function endingOfFailure(failure: unknown, { hasOutput, attempt, verdict }: FailedAttempt): Ending {
  const error = FoveaError.from(failure);
  if (verdict === 'condemned') {
    return { kind: 'error', error: condemned(`the engine died of it: ${error.detail ?? error.message}`) };
  }
  if (!failuresOfTheEngine.has(error.code)) return { kind: 'error', error };
  if (!hasOutput)
    return repeat(error, attempt, verdict === 'alive' ? ATTEMPTS_ON_LIVING_ENGINES : MAX_ATTEMPTS);
  const interrupted = new FoveaError('STREAM_INTERRUPTED', { cause: error, detail: error.detail });
  return { kind: 'error', error: verdict === 'died' ? interrupted : error };
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
    ...(error.mayRetry === undefined ? {} : { mayRetry: error.mayRetry }),
    ...(error.retryAfterS === undefined ? {} : { retryAfterS: Math.max(1, Math.ceil(error.retryAfterS)) }),
  };
}
