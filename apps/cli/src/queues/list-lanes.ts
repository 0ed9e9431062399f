import type { LaneControl, LaneStatus } from '@fovea/job-queue';
import type { Lane } from '@fovea/schemas/jobs';
import { table } from '../terminal/table.js';

const units: readonly (readonly [number, string])[] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
];

/** `3.2 s`, `4 min`, `2 h`: the largest unit that is full. */
export function ageText(ms: number | undefined): string {
  if (ms === undefined) return '-';
  const seconds = ms / 1_000;
  const [size, unit] = units.find(([each]) => seconds >= each) ?? [1, 's'];
  return unit === 's' ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / size)} ${unit}`;
}

type SeenLane = Lane & LaneStatus;

/** Every lane with what is in it. */
export async function seeLanes(control: LaneControl): Promise<SeenLane[]> {
  const lanes = await control.lanes();
  return Promise.all(lanes.map(async (lane) => ({ ...lane, ...(await control.status(lane)) })));
}

export const lanesTable = (lanes: readonly SeenLane[]): string =>
  table([
    ['CHECKPOINT', 'LANE', 'STATE', 'WAITING', 'RUNNING', 'OLDEST'],
    ...lanes.map(({ checkpoint, kind, state, waiting, active, oldestWaitMs }) => [
      checkpoint,
      kind,
      state,
      `${waiting}`,
      `${active}`,
      ageText(oldestWaitMs),
    ]),
  ]);

/** In the names of the wire: snake_case, seconds. */
export const lanesJson = (lanes: readonly SeenLane[]): object[] =>
  lanes.map(({ checkpoint, kind, state, waiting, active, oldestWaitMs }) => ({
    checkpoint,
    lane: kind,
    state,
    waiting,
    running: active,
    oldest_wait_s: oldestWaitMs === undefined ? null : oldestWaitMs / 1_000,
  }));
