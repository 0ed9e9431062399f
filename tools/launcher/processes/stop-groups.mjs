import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '../errors.mjs';
import { isRunning } from './process-identity.mjs';

/** @typedef {import('./process-group.mjs').ProcessGroup} ProcessGroup */

/**
 * @typedef {object} StopOptions
 * @property {number} [drainLimitMs] Cuts every group's own drain time.
 * @property {AbortSignal} [force] Ends all waiting at once.
 * @property {(group: ProcessGroup) => void} [onStopping]
 * @property {(group: ProcessGroup, drained: boolean) => void} [onStopped]
 */

const pollMs = 25;
/** The kernel ends a killed process at once, unless it hangs in a device; that must not hold us for ever. */
const killWaitMs = 5_000;

/**
 * Stops groups stage after stage: SIGTERM to the leader, time to drain, then SIGKILL to whatever is left of the group.
 * The launcher, its guard and the clean-up after a crash share it, so that all three keep the same order.
 * @param {readonly ProcessGroup[]} groups
 * @param {StopOptions} [options]
 */
export async function stopGroups(groups, options = {}) {
  const stages = [...new Set(groups.map((group) => group.stage))].sort((left, right) => left - right);
  for (const stage of stages) {
    await Promise.all(
      groups.filter((group) => group.stage === stage).map((group) => stopGroup(group, options)),
    );
  }
}

/**
 * @param {ProcessGroup} group
 * @param {StopOptions} options
 */
async function stopGroup(group, { drainLimitMs = Number.POSITIVE_INFINITY, force, onStopping, onStopped }) {
  if (!isRunning(group)) return;
  onStopping?.(group);
  signalProcess(group.pid, 'SIGTERM');
  const drained = await isGoneWithin(group, Math.min(group.drainMs, drainLimitMs), force);
  signalProcess(-group.pid, 'SIGKILL');
  await isGoneWithin(group, killWaitMs);
  onStopped?.(group, drained);
}

/**
 * @param {ProcessGroup} group
 * @param {number} limitMs
 * @param {AbortSignal} [force]
 */
async function isGoneWithin(group, limitMs, force) {
  const deadline = performance.now() + limitMs;
  while (isRunning(group)) {
    if (force?.aborted === true || performance.now() >= deadline) return false;
    await sleep(pollMs);
  }
  return true;
}

/** Gone already; macOS answers the second for a group in which only zombies are left. */
const goneCodes = new Set(['ESRCH', 'EPERM']);

/**
 * Sends a signal; a process that is gone already is no error.
 * @param {number} pid A negative number means the whole group.
 * @param {NodeJS.Signals} signal
 */
export function signalProcess(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!goneCodes.has(codeOf(error) ?? '')) throw error;
  }
}
