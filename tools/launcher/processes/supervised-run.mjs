import { once } from 'node:events';
import { join } from 'node:path';
import { SettingsError } from '../settings.mjs';
import { GuardLink } from './guard-link.mjs';
import { PartFailure } from './part-failure.mjs';
import { stopGroups } from './stop-groups.mjs';
import { listenForStopSignals, StopRequested, watchParent } from './stop-signals.mjs';
import { Supervisor } from './supervisor.mjs';

/** What a killed launcher left behind has had its chance to drain. */
const leftoverDrainMs = 5_000;
/** Nobody waits any more for the answers of a launcher whose starter was killed. */
const abandonedDrainMs = 10_000;

/**
 * One run of the launcher, from first child to farewell.
 * @typedef {object} Run
 * @property {string} name
 * @property {string} stateFolder
 * @property {import('../terminal/progress.mjs').Progress} progress
 * @property {import('./run-lock.mjs').RunLock} [lock] Held by this process; released at the end.
 * @property {boolean} [isParentWatched] Stop when the process that started this one is gone.
 * @property {(supervisor: Supervisor, stop: AbortSignal) => Promise<unknown>} work Ends the run when it ends, unless
 *   it leaves parts running: then they run until a wish to stop comes or one of them ends.
 */

/**
 * Runs it and stops every child that is left, whatever happened.
 * @param {Run} run
 * @returns {Promise<number>} The exit code: 0 after its work or an orderly stop, 1 after any failure.
 */
export async function superviseRun(run) {
  const { stateFolder, progress, lock } = run;
  const signals = listenForStopSignals();
  const logFolder = join(stateFolder, 'logs');
  const guard = new GuardLink(join(logFolder, `guard-${run.name}.log`));
  const supervisor = new Supervisor({ logFolder, guard, lock, stop: signals.stop });
  let drainLimitMs = Number.POSITIVE_INFINITY;
  const onParentGone = () => {
    drainLimitMs = abandonedDrainMs;
    signals.requestStop();
  };
  const endWatch = run.isParentWatched === true ? watchParent(onParentGone) : undefined;
  let exitCode = 1;
  try {
    await stopGroups(lock?.leftovers ?? [], { drainLimitMs: leftoverDrainMs });
    exitCode = await workUntilEnd(run, { supervisor, guard, stop: signals.stop });
  } finally {
    await stopAll(supervisor, { progress, force: signals.force, drainLimitMs });
    endWatch?.();
    await guard.close();
    lock?.release();
    signals.dispose();
  }
  return signals.force.aborted ? 1 : exitCode;
}

/**
 * @param {Run} run
 * @param {{ supervisor: Supervisor, guard: GuardLink, stop: AbortSignal }} context
 */
async function workUntilEnd({ work, progress }, { supervisor, guard, stop }) {
  const guardLost = guard.lost.then(
    () => new Error('the guard process ended; a killed launcher would leave its children behind'),
  );
  const failed = Promise.race([supervisor.failure, guardLost]).then((error) => {
    throw error;
  });
  try {
    await Promise.race([work(supervisor, stop), failed]);
    if (supervisor.isBusy && !stop.aborted) await Promise.race([once(stop, 'abort'), failed]);
    return 0;
  } catch (error) {
    if (error instanceof StopRequested) return 0;
    progress.say(`\n${sentenceFor(error)}\n`);
    return 1;
  }
}

/**
 * @param {Supervisor} supervisor
 * @param {{ progress: import('../terminal/progress.mjs').Progress, force: AbortSignal, drainLimitMs: number }} options
 */
async function stopAll(supervisor, { progress, force, drainLimitMs }) {
  let stopped = 0;
  await supervisor.stop({
    drainLimitMs,
    force,
    onStopping: ({ name, drainMs }) => {
      const limitS = Math.min(drainMs, drainLimitMs) / 1000;
      const hint = limitS > 60 ? `, up to ${limitS} s for what it runs (Ctrl-C again: at once)` : '';
      progress.say(`  … stopping ${name}${hint}`);
    },
    onStopped: ({ name }, drained) => {
      stopped += 1;
      if (!drained) progress.say(`  ✗ ${name} did not end in time and was killed`);
    },
  });
  if (stopped > 0) progress.say('Everything is stopped.');
}

/** @param {unknown} error */
function sentenceFor(error) {
  if (error instanceof PartFailure) return error.format();
  if (error instanceof SettingsError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
