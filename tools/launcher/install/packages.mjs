import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const drainMs = 5_000;

/**
 * Installs what package-lock.json names, unless exactly that is installed.
 * @param {import('../processes/supervisor.mjs').Supervisor} supervisor
 * @param {string} root
 * @param {import('../settings.mjs').Environment} env
 * @param {import('../terminal/progress.mjs').Progress} progress
 */
export async function installPackages(supervisor, root, env, progress) {
  if (areInstalled(root)) return;
  const npm = npmCommand(env);
  await progress.step('installing packages (npm ci)', () =>
    supervisor.run({
      name: 'npm-ci',
      command: npm.command,
      // The compiler is a development package, and NODE_ENV=production would leave it out.
      args: [...npm.args, 'ci', '--include=dev', '--no-audit', '--no-fund'],
      cwd: root,
      // The runtime's install script fetches a CUDA library from a place that a registry mirror does not have.
      env: { ...env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
      stage: 0,
      drainMs,
    }),
  );
}

/**
 * Compares the lock with the one npm left in node_modules as its last act: an install that was cut off has none.
 * @param {string} root
 */
export function areInstalled(root) {
  const wanted = readLockedPackages(join(root, 'package-lock.json'));
  const present = readLockedPackages(join(root, 'node_modules/.package-lock.json'));
  for (const [path, entry] of wanted) {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) continue;
    const found = present.get(path);
    if (
      found === undefined
        ? !entry.optional
        : found.version !== entry.version || found.integrity !== entry.integrity
    ) {
      return false;
    }
  }
  return wanted.size > 0;
}

/**
 * @typedef {{ version?: string, integrity?: string, optional: boolean }} LockedPackage
 * @param {string} path
 * @returns {Map<string, LockedPackage>}
 */
function readLockedPackages(path) {
  /** @type {Map<string, LockedPackage>} */
  const packages = new Map();
  if (!existsSync(path)) return packages;
  for (const [name, entry] of Object.entries(JSON.parse(readFileSync(path, 'utf8')).packages ?? {})) {
    const { version, integrity, optional, devOptional, peer } = entry;
    packages.set(name, {
      version,
      integrity,
      optional: optional === true || devOptional === true || peer === true,
    });
  }
  return packages;
}

/**
 * The npm that runs us, else the one on PATH.
 * @param {import('../settings.mjs').Environment} env
 */
function npmCommand(env) {
  const path = env.npm_execpath;
  return path?.endsWith('.js') === true && existsSync(path)
    ? { command: process.execPath, args: [path] }
    : { command: 'npm', args: [] };
}
