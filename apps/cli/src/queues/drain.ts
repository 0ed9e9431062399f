import { once } from 'node:events';
import type { LaneControl, LaneState } from '@fovea/job-queue';
import type { Lane } from '@fovea/schemas/jobs';
import { exitCodes, Failure } from '../failure.js';
import type { Terminal } from '../terminal/terminal.js';

const LOOK_EVERY_MS = 500;
/** A request that was let in before may reach its lane after the first look. */
const EMPTY_LOOKS = 2;

export interface DrainOptions {
  /** `draining`, or `closed` to have what waits ended. */
  readonly state: LaneState;
  /** Undefined: however long it takes. */
  readonly timeoutMs: number | undefined;
}

const named = ({ checkpoint, kind }: Lane): string => `${checkpoint}/${kind}`;

/**
 * Lets lanes run dry. They stay in that state, also when this fails or is cancelled: what opens them again is
 * somebody's decision. Throws `failed` when the time is up or somebody else has changed a state meanwhile.
 */
export async function drain(
  control: LaneControl,
  lanes: readonly Lane[],
  { state, timeoutMs }: DrainOptions,
  terminal: Terminal,
): Promise<void> {
  const { signal } = terminal;
  for (const lane of lanes) await control.setState(lane, state);
  const giveUpAtMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
  let said = '';
  for (let emptyLooks = 0; emptyLooks < EMPTY_LOOKS; ) {
    signal.throwIfAborted();
    const seen = await Promise.all(lanes.map(async (lane) => ({ lane, ...(await control.status(lane)) })));
    const changed = seen.find((each) => each.state !== state);
    if (changed !== undefined) {
      throw new Failure(
        exitCodes.failed,
        `Somebody has set ${named(changed.lane)} to ${changed.state} meanwhile.`,
      );
    }
    const busy = seen.filter(({ waiting, active }) => waiting + active > 0);
    emptyLooks = busy.length === 0 ? emptyLooks + 1 : 0;
    const text = busy
      .map((each) => `${named(each.lane)}: ${each.waiting} waiting, ${each.active} running`)
      .join('; ');
    if (text !== said && text !== '') terminal.stderr.write(`${text}\n`);
    said = text;
    if (performance.now() > giveUpAtMs) {
      throw new Failure(exitCodes.failed, `The time is up. Not empty yet: ${text || 'looked at once only'}.`);
    }
    // Rejects when the command is cancelled.
    if (emptyLooks < EMPTY_LOOKS) await pause(LOOK_EVERY_MS, signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await once(AbortSignal.timeout(ms), 'abort', { signal });
}
