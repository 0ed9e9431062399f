import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AlreadyRunningError, RunLock } from '../processes/run-lock.mjs';
import { build } from './build.mjs';
import { installPackages } from './packages.mjs';

const waitMs = 250;

/**
 * Installs and builds what is not up to date. One process of a checkout at a time: `npm start` and `npm test` may be
 * run side by side on a fresh clone.
 * @param {import('../processes/supervisor.mjs').Supervisor} supervisor
 * @param {object} options
 * @param {string} options.root
 * @param {import('../settings.mjs').Environment} options.env
 * @param {import('../terminal/progress.mjs').Progress} options.progress
 * @param {AbortSignal} options.stop
 * @param {boolean} [options.isBuildLeftOut]
 */
export async function setUp(supervisor, { root, env, progress, stop, isBuildLeftOut = false }) {
  const lock = new RunLock(join(root, '.fovea/setup.json'));
  for (;;) {
    stop.throwIfAborted();
    try {
      lock.acquire();
      break;
    } catch (error) {
      if (!(error instanceof AlreadyRunningError)) throw error;
      await sleep(waitMs);
    }
  }
  try {
    await installPackages(supervisor, root, env, progress);
    if (!isBuildLeftOut) await build(supervisor, root, env, progress);
  } finally {
    lock.release();
  }
}
