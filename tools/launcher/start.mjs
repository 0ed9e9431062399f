import './install/require-node.mjs';
import { join } from 'node:path';
import { launch } from './launch.mjs';
import { AlreadyRunningError, RunLock } from './processes/run-lock.mjs';
import { superviseRun } from './processes/supervised-run.mjs';
import { root, stateFolder } from './state-folder.mjs';
import { Progress } from './terminal/progress.mjs';

const progress = new Progress();
process.exitCode = await start(new RunLock(join(stateFolder, 'launcher.json')));

/** @param {RunLock} lock */
async function start(lock) {
  try {
    lock.acquire();
  } catch (error) {
    if (!(error instanceof AlreadyRunningError)) throw error;
    progress.say(`npm start runs in this checkout already. Stop it with Ctrl-C there, or: kill ${error.pid}`);
    return 1;
  }
  return superviseRun({
    name: 'start',
    stateFolder,
    progress,
    lock,
    // npm passes signals on, but nobody can pass on a SIGKILL: without npm there is nobody left to stop us.
    isParentWatched: process.env.npm_lifecycle_event === 'start',
    work: (supervisor, stop) => launch(supervisor, { root, env: process.env, progress, stop }),
  });
}
