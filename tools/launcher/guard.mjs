import { createInterface } from 'node:readline';
import { parseGroup } from './processes/process-group.mjs';
import { stopGroups } from './processes/stop-groups.mjs';

/**
 * Ends the launcher's children when the launcher was killed. It holds the reading end of a pipe whose only writer is
 * the launcher; the kernel closes it with the launcher, however that one died.
 */

/** Somebody killed the launcher: they want it over, so a long drain is cut to this. */
const drainLimitMs = 10_000;

process.title = 'fovea-guard';
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => {});

/** @type {Map<number, import('./processes/process-group.mjs').ProcessGroup>} */
const groups = new Map();
let farewell = false;

for await (const line of createInterface({ input: process.stdin })) follow(line);

if (!farewell) {
  report(`the launcher is gone; stopping its children (${groups.size})`);
  await stopGroups([...groups.values()], {
    drainLimitMs,
    onStopped: (group, drained) => report(`${group.name} ${drained ? 'ended' : 'was killed'}`),
  });
}

/** @param {string} line */
function follow(line) {
  let message;
  try {
    message = JSON.parse(line);
  } catch {
    // The launcher died in the middle of a line; what stood in the lines before is still to be stopped.
    return;
  }
  const group = parseGroup(message.watch);
  if (group !== undefined) groups.set(group.pid, group);
  if (typeof message.forget === 'number') groups.delete(message.forget);
  if (message.farewell === true) farewell = true;
}

/** @param {string} text */
function report(text) {
  process.stdout.write(`${new Date().toISOString()} ${text}\n`);
}
