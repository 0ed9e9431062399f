import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PartFailure } from '../processes/part-failure.mjs';
import { canInstallSystemPackages, installSystemPackages, isOnPath } from './system-packages.mjs';

const requirementsPath = new URL('python-requirements.txt', import.meta.url);
const drainMs = 2_000;

/**
 * Makes `.fovea/venv` with the Python clients that tests use. Where that cannot be done the tests that need it say so.
 * @param {import('../processes/supervisor.mjs').Supervisor} supervisor
 * @param {string} root
 * @param {import('../settings.mjs').Environment} env
 * @param {import('../terminal/progress.mjs').Progress} progress
 */
export async function providePythonClients(supervisor, root, env, progress) {
  const folder = join(root, '.fovea/venv');
  const stampPath = join(folder, 'requirements-installed.txt');
  const requirements = readFileSync(requirementsPath, 'utf8');
  if (statSync(stampPath, { throwIfNoEntry: false }) !== undefined) {
    if (readFileSync(stampPath, 'utf8') === requirements && isUsable(folder)) return;
  }
  const run = (/** @type {string} */ name, /** @type {string} */ command, /** @type {string[]} */ args) =>
    supervisor.run({ name, command, args, cwd: root, env, stage: 0, drainMs });
  try {
    await providePython(supervisor, env, progress);
    await progress.step('Python clients for the tests (.fovea/venv)', async () => {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(join(root, '.fovea'), { recursive: true, mode: 0o700 });
      await run('python-venv', 'python3', ['-m', 'venv', folder]);
      // Most modules are never imported: those that are get compiled then.
      const options = ['--quiet', '--no-compile', '--disable-pip-version-check', '-r'];
      const pip = ['-m', 'pip', 'install', ...options, requirementsPath.pathname];
      await run('python-pip', join(folder, 'bin/python'), pip);
      writeFileSync(stampPath, requirements);
    });
  } catch (error) {
    if (!(error instanceof PartFailure)) throw error;
    progress.say(`  ! no Python clients: ${error.format()}`);
  }
}

/**
 * Debian ships Python without the module that makes environments.
 * @param {import('../processes/supervisor.mjs').Supervisor} supervisor
 * @param {import('../settings.mjs').Environment} env
 * @param {import('../terminal/progress.mjs').Progress} progress
 */
async function providePython(supervisor, env, progress) {
  const hasVenv =
    isOnPath('python3', env) && spawnSync('python3', ['-c', 'import venv, ensurepip']).status === 0;
  if (!hasVenv && canInstallSystemPackages(env))
    await installSystemPackages(supervisor, ['python3-venv'], env, progress);
}

/**
 * False after the Python that the environment points to was removed.
 * @param {string} folder
 */
function isUsable(folder) {
  return spawnSync(join(folder, 'bin/python'), ['-c', 'import aleph_alpha_client, openai, PIL']).status === 0;
}
