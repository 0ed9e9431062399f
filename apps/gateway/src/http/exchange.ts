import type { ServerResponse } from 'node:http';
import { FoveaError } from '@fovea/errors';

/** One request's time and connection: aborted with `CLIENT_CLOSED` when the client leaves, `TIMEOUT` when time is up. */
export interface Exchange {
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly deadlineAtMs: number;
  close(): void;
}

export function openExchange(response: ServerResponse, startedAtMs: number, timeoutS: number): Exchange {
  const controller = new AbortController();
  const leftMs = Math.max(0, timeoutS * 1000 - (performance.now() - startedAtMs));
  const timer = setTimeout(() => {
    const limit = { name: 'request_timeout_s', value: timeoutS };
    controller.abort(new FoveaError('TIMEOUT', { limit }));
  }, leftMs);
  const onClose = (): void => {
    if (!response.writableFinished) controller.abort(new FoveaError('CLIENT_CLOSED'));
  };
  response.once('close', onClose);
  return {
    signal: controller.signal,
    deadlineAtMs: Math.ceil(Date.now() + leftMs),
    close() {
      clearTimeout(timer);
      response.off('close', onClose);
    },
  };
}
