import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/**
 * A process that may outlive our knowledge of it. The start time tells it from a later one with the same number.
 * @typedef {{ readonly pid: number, readonly startTime: string }} ProcessIdentity
 */

const hasProc = existsSync('/proc/self/stat');

/**
 * When a running process began, in the system's own unit; undefined when nothing runs under that number.
 * A zombie counts as gone: in a container nobody may ever reap it.
 * @param {number} pid
 * @returns {string | undefined}
 */
export function startTimeOf(pid) {
  return hasProc ? startTimeFromProc(pid) : startTimeFromPs(pid);
}

/** @param {number} pid */
function startTimeFromProc(pid) {
  let stat;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field is the command in brackets and may hold anything, so the count begins behind the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

/** @param {number} pid */
function startTimeFromPs(pid) {
  const found = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', `${pid}`], { encoding: 'utf8' });
  const [state, ...start] = (found.stdout ?? '').trim().split(/\s+/);
  return state === undefined || state === '' || state.startsWith('Z') ? undefined : start.join(' ');
}

/**
 * True while exactly this process runs.
 * @param {ProcessIdentity} identity
 */
export function isRunning(identity) {
  return startTimeOf(identity.pid) === identity.startTime;
}
