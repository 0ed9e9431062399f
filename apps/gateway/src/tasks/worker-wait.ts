import { FoveaError } from '@fovea/errors';
import type { LaneControl } from '@fovea/job-queue';
import type { ModelListing } from '@fovea/model-registry';
import type { Lane } from '@fovea/schemas/jobs';

const MS_PER_S = 1_000;
const RETRY_AFTER_S = 5;

/**
 * Throws `MODEL_UNAVAILABLE` when nobody serves the model and the first of those that wait for a worker has waited for as long as
 * its package allows (`wait_for_worker_s`): whoever starts workers is not going to. An empty lane takes a request however
 * long there has been no worker, since only what waits tells that one is needed.
 */
export async function requireWorkerInTime(
  { status, package: { waitForWorkerS } }: ModelListing,
  lane: Lane,
  control: Pick<LaneControl, 'status'>,
): Promise<void> {
  if (status !== 'unavailable') return;
  const { oldestWaitMs = 0 } = await control.status(lane);
  if (oldestWaitMs < waitForWorkerS * MS_PER_S) return;
  throw new FoveaError('MODEL_UNAVAILABLE', { param: 'model', retryAfterS: RETRY_AFTER_S });
}
