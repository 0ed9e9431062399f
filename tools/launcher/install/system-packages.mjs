import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PartFailure } from '../processes/part-failure.mjs';

/** dpkg must not be cut off in the middle of a package. */
const drainMs = 60_000;

/**
 * True for root on a Debian or Ubuntu machine.
 * @param {import('../settings.mjs').Environment} env
 */
export function canInstallSystemPackages(env) {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && isOnPath('apt-get', env);
}

/**
 * Installs Debian packages without starting any service.
 * @param {import('../processes/supervisor.mjs').Supervisor} supervisor
 * @param {readonly string[]} names
 * @param {import('../settings.mjs').Environment} env
 * @param {import('../terminal/progress.mjs').Progress} progress
 */
export async function installSystemPackages(supervisor, names, env, progress) {
  const apt = (/** @type {string} */ name, /** @type {string[]} */ args) =>
    supervisor.run({
      name,
      command: 'apt-get',
      args,
      env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
      stage: 0,
      drainMs,
    });
  const install = () => apt('apt-install', ['install', '-y', '--no-install-recommends', ...names]);
  await progress.step(`installing ${names.join(', ')} with apt-get`, async () => {
    try {
      await install();
    } catch (error) {
      // A bare machine has no package lists yet.
      if (!(error instanceof PartFailure)) throw error;
      await apt('apt-update', ['update', '-q']);
      await install();
    }
  });
}

/**
 * @param {string} name
 * @param {import('../settings.mjs').Environment} env
 */
export function isOnPath(name, env) {
  return (env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });
}
