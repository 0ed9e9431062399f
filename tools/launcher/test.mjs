import './install/require-node.mjs';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { provideGoPrograms } from './install/go-programs.mjs';
import { providePythonClients } from './install/python-clients.mjs';
import { setUp } from './install/setup.mjs';
import { provideTransformersJs } from './install/transformers-js.mjs';
import { jestArguments } from './jest/arguments.mjs';
import { PartFailure } from './processes/part-failure.mjs';
import { superviseRun } from './processes/supervised-run.mjs';
import { findRedisServer } from './redis/find-server.mjs';
import { installRedis } from './redis/provide-redis.mjs';
import { SettingsError } from './settings.mjs';
import { root, stateFolder } from './state-folder.mjs';
import { Progress } from './terminal/progress.mjs';

/** @typedef {import('./processes/supervisor.mjs').Supervisor} Supervisor */
/** @typedef {{ passed: number, failed: number, skipped: number, skippedNames: string[] }} Counts */

const env = process.env;
const progress = new Progress();
const countsPath = join(stateFolder, `test-counts-${process.pid}.json`);

/** Jest runs ES modules only behind this flag; its workers inherit both. */
const nodeFlags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
let hasJestFailed = false;

const exitCode = await superviseRun({
  name: 'test',
  stateFolder,
  progress,
  work: test,
  isParentWatched: env.npm_lifecycle_event === 'test',
});
const counts = readCounts();
for (const name of counts.skippedNames) progress.say(`skipped: ${name}`);
progress.say(`npm test took ${Math.round(process.uptime())} s`);
const ran = counts.passed + counts.failed;
if (hasJestFailed && counts.failed === 0) progress.say('Jest failed although no test did: see above.');
if (ran === 0) progress.say('No test ran.');
progress.say(
  `${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`,
);
process.exitCode = exitCode === 0 && !hasJestFailed && counts.failed === 0 && ran > 0 ? 0 : 1;

/**
 * @param {Supervisor} supervisor
 * @param {AbortSignal} stop
 */
async function test(supervisor, stop) {
  await setUp(supervisor, { root, env, progress, stop });
  await provideRedisServer(supervisor);
  await Promise.all([
    providePythonClients(supervisor, root, env, progress),
    provideGoPrograms(supervisor, root, env, progress),
    provideTransformersJs(supervisor, root, env, progress),
  ]);
  try {
    await supervisor.run({
      name: 'jest',
      command: process.execPath,
      args: [
        ...nodeFlags,
        join(root, 'node_modules/jest/bin/jest.js'),
        ...jestArguments(process.argv.slice(2)),
      ],
      cwd: root,
      env: { ...env, FOVEA_COUNTS_FILE: countsPath },
      isShown: true,
      stage: 0,
      drainMs: 5_000,
    });
  } catch (error) {
    // Jest has said itself what failed; a crash of it leaves no counts, and that is a failure too.
    if (!(error instanceof PartFailure)) throw error;
    hasJestFailed = true;
  }
}

/** @param {Supervisor} supervisor */
async function provideRedisServer(supervisor) {
  if (findRedisServer(env) !== undefined) return;
  try {
    await installRedis(supervisor, env, progress);
  } catch (error) {
    if (!(error instanceof SettingsError) && !(error instanceof PartFailure)) throw error;
    progress.say(`  ! no Redis server: ${error.message}`);
  }
}

/** @returns {Counts} */
function readCounts() {
  try {
    const { passed, failed, skipped, skippedNames } = JSON.parse(readFileSync(countsPath, 'utf8'));
    return { passed, failed, skipped, skippedNames };
  } catch {
    return { passed: 0, failed: 1, skipped: 0, skippedNames: [] };
  } finally {
    rmSync(countsPath, { force: true });
  }
}
