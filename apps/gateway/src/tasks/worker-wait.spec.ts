import type { ModelListing, ModelStatus } from '@fovea/model-registry';
import { describe, expect, it } from '@jest/globals';
import { requireWorkerInTime } from './worker-wait.js';

const lane = { checkpoint: 'c', kind: 'text' } as const;
const listing = (status: ModelStatus, waitForWorkerS: number): ModelListing =>
  ({ status, package: { waitForWorkerS } }) as ModelListing;
const oldest = (oldestWaitMs: number | undefined) => ({
  status: async () => ({ waiting: 1, active: 0, state: 'open' as const, oldestWaitMs }),
});

describe('a request for a model without a worker', () => {
  it('is taken while nobody has waited for as long as the package allows', async () => {
    await requireWorkerInTime(listing('unavailable', 60), lane, oldest(undefined));
    await requireWorkerInTime(listing('unavailable', 60), lane, oldest(59_999));
  });

  it('is refused from then on', async () => {
    await expect(requireWorkerInTime(listing('unavailable', 60), lane, oldest(60_000))).rejects.toMatchObject(
      { code: 'MODEL_UNAVAILABLE', retryAfterS: 5 },
    );
  });

  it('does not matter while there is a worker, however long others have waited', async () => {
    await requireWorkerInTime(listing('available', 60), lane, oldest(600_000));
  });
});
