import type { Lease } from '@fovea/job-queue';
import type { TokenStream } from '@fovea/token-stream';
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
 * Stops when the request is cancelled, and at once when nobody waits for it any more: listening comes first, so
 * that a cancellation between the two is not missed. The returned function stops listening.
 */
export async function stopWhenCancelled(
  stream: TokenStream,
  requestId: string,
  stop: GenerationStop,
): Promise<() => Promise<void>> {
  const stopListening = await stream.onCancel(requestId, () => stop.stop('cancelled'));
  try {
    const lapsed = await stream.lapsed([requestId]);
    if (lapsed.includes(requestId)) stop.stop('cancelled');
  } catch (error) {
    await stopListening();
    throw error;
  }
  return stopListening;
}
