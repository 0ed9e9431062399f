import type { Lease } from '@fovea/job-queue';
import type { TokenStream } from '@fovea/token-stream';
import type { Cleanups } from './cleanups.js';
import type { GenerationStop } from './generation-stop.js';

/** `setTimeout` takes no more; a later deadline is looked at again then. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Stops at the deadline, by this machine's clock. The returned function disarms. */
export function stopAtDeadline(deadlineAtMs: number, stop: GenerationStop): () => void {
  let timer: NodeJS.Timeout | undefined;
  const arm = (): void => {
    const leftMs = deadlineAtMs - Date.now();
    if (leftMs <= 0) stop.stop('deadline');
    else timer = setTimeout(arm, Math.min(leftMs, MAX_TIMER_MS));
  };
  arm();
  return () => clearTimeout(timer);
}

/** Stops when the job's lock is lost. The returned function disarms. */
export function stopWhenLost(lease: Lease, stop: GenerationStop): () => void {
  const onLost = (): void => stop.stop('lease-lost');
  if (lease.lost.aborted) onLost();
  lease.lost.addEventListener('abort', onLost, { once: true });
  return () => lease.lost.removeEventListener('abort', onLost);
}

/**
 * Stops when the request is cancelled, and at once when nobody waits for it any more. Both are asked side by side to
 * spare a round trip; a cancellation between the two is found by the interest watch a second later.
 */
export async function stopWhenCancelled(
  stream: TokenStream,
  requestId: string,
  stop: GenerationStop,
  cleanups: Cleanups,
): Promise<void> {
  const listen = async (): Promise<void> =>
    cleanups.add(await stream.onCancel(requestId, () => stop.stop('cancelled')));
  const look = async (): Promise<void> => {
    if ((await stream.lapsed([requestId])).length > 0) stop.stop('cancelled');
  };
  await Promise.all([listen(), look()]);
}
