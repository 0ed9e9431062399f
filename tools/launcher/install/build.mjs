import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const drainMs = 2_000;
const workspaceRoots = ['packages', 'apps', 'tools'];

/**
 * Compiles the workspaces, unless nothing they are made of has changed since the last time.
 * @param {import('../processes/supervisor.mjs').Supervisor} supervisor
 * @param {string} root
 * @param {import('../settings.mjs').Environment} env
 * @param {import('../terminal/progress.mjs').Progress} progress
 */
export async function build(supervisor, root, env, progress) {
  const stampPath = join(root, '.fovea/build-stamp');
  if (readStamp(stampPath) === fingerprint(root)) return;
  await progress.step('building', () =>
    supervisor.run({
      name: 'build',
      command: process.execPath,
      args: [join(root, 'node_modules/@typescript/native/bin/tsc'), '-b'],
      cwd: root,
      env,
      stage: 0,
      drainMs,
    }),
  );
  mkdirSync(join(root, '.fovea'), { recursive: true, mode: 0o700 });
  writeFileSync(stampPath, fingerprint(root));
}

/**
 * One hash of names, sizes and times of all that goes into a build and of what it left behind, so that a deleted
 * `dist` is noticed too.
 * @param {string} root
 */
export function fingerprint(root) {
  const hash = createHash('sha256');
  const add = (/** @type {string} */ path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined) hash.update(`${relative(root, path)}\0${found.size}\0${found.mtimeMs}\n`);
  };
  for (const name of ['package-lock.json', 'tsconfig.json', 'tsconfig.base.json']) add(join(root, name));
  for (const workspace of workspacesOf(root)) {
    for (const name of ['package.json', 'tsconfig.json', 'dist/tsconfig.tsbuildinfo'])
      add(join(workspace, name));
    for (const path of filesUnder(join(workspace, 'src'))) add(path);
  }
  return hash.digest('hex');
}

/** @param {string} root */
function workspacesOf(root) {
  const nested = workspaceRoots.flatMap((folder) => foldersIn(join(root, folder)));
  return [...nested, join(root, 'e2e')].sort();
}

/** @param {string} folder */
function foldersIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [join(folder, entry.name)] : [],
  );
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function filesUnder(folder) {
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return [];
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** @param {string} path */
function readStamp(path) {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : readFileSync(path, 'utf8');
}
