import type { LaneControl } from '@fovea/job-queue';
import type { Lane, LaneKind } from '@fovea/schemas/jobs';
import { Deployment } from '../deployment/deployment.js';
import { LastError } from '../deployment/redis-failure.js';
import { exitCodes, Failure } from '../failure.js';
import type { Terminal } from '../terminal/terminal.js';

/** Opens the lanes of the deployment for `use`. What Redis refuses becomes a `Failure` without its address. */
export async function withLanes<T>(terminal: Terminal, use: (lanes: LaneControl) => Promise<T>): Promise<T> {
  const url = await (await Deployment.find(terminal)).redisUrl();
  const last = new LastError();
  const lanes = await terminal.ports.openLanes(url, last.note);
  try {
    return await use(lanes);
  } catch (error) {
    terminal.signal.throwIfAborted();
    throw last.failure(error);
  } finally {
    await lanes.close();
  }
}

/** The lanes of a checkpoint, or the one of that kind. Throws `refused` when there is none. */
export async function lanesOf(
  control: LaneControl,
  checkpoint: string,
  kind: LaneKind | undefined,
): Promise<Lane[]> {
  const all = await control.lanes();
  const lanes = all.filter(
    (lane) => lane.checkpoint === checkpoint && (kind === undefined || lane.kind === kind),
  );
  if (lanes.length > 0) return lanes;
  const known = [...new Set(all.map((lane) => lane.checkpoint))].join(', ');
  const what = kind === undefined ? 'lane' : `lane ${kind}`;
  throw new Failure(
    exitCodes.refused,
    `There is no ${what} of checkpoint ${checkpoint}. Known checkpoints: ${known || 'none'}.`,
  );
}
