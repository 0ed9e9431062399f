import type { LaneControl } from '@fovea/job-queue';
import type { ModelListing, ModelRegistry } from '@fovea/model-registry';
import type { LaneLoad, QueueLoad } from '@fovea/observability';
import { type Lane, laneKindSchema } from '@fovea/schemas/jobs';

const MS_PER_S = 1_000;

/** Everything that waits and runs, in the lanes of all registered checkpoints; a lane that was never used has zeros. */
export async function readQueueLoad(
  registry: Pick<ModelRegistry, 'list'>,
  control: Pick<LaneControl, 'status' | 'waitingWork'>,
): Promise<QueueLoad> {
  const listings = await registry.list();
  const checkpoints = new Set(listings.map((listing) => listing.package.checkpoint));
  const lanes = [...checkpoints].flatMap((checkpoint) => {
    const offered = listings.filter((listing) => listing.package.checkpoint === checkpoint);
    return laneKindSchema.options.map((kind) => readLane({ checkpoint, kind }, offered, control));
  });
  return { lanes: await Promise.all(lanes), models: listings.map(toModel) };
}

async function readLane(
  lane: Lane,
  offered: readonly ModelListing[],
  control: Pick<LaneControl, 'status' | 'waitingWork'>,
): Promise<LaneLoad> {
  const [{ active, state, oldestWaitMs = 0 }, work] = await Promise.all([
    control.status(lane),
    control.waitingWork(lane),
  ]);
  const idle = offered
    .map(({ model }) => ({ model: model.name, jobs: 0, tokens: 0 }))
    .filter(({ model }) => !work.some((waiting) => waiting.model === model));
  return {
    checkpoint: lane.checkpoint,
    lane: lane.kind,
    running: active,
    oldestWaitS: oldestWaitMs / MS_PER_S,
    state,
    waiting: [...work, ...idle],
  };
}

const toModel = ({ model, package: { checkpoint }, status }: ModelListing): QueueLoad['models'][number] => ({
  checkpoint,
  model: model.name,
  isAvailable: status === 'available',
});
