import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PartFailure } from '../processes/part-failure.mjs';
import { isOnPath } from './system-packages.mjs';

/**
 * What tests run that comes as Go source: an S3-compatible server that keeps its objects in a folder, and the part of
 * `docker compose` that reads and merges compose files, which needs no engine.
 */
const programs = [
  {
    program: 'versitygw',
    built: 'versitygw',
    module: 'github.com/versity/versitygw/cmd/versitygw@v1.8.0',
    title: 'S3 server for the tests',
  },
  {
    program: 'compose-go',
    built: 'cmd',
    module: 'github.com/compose-spec/compose-go/v2/cmd@v2.16.2',
    title: 'reader of compose files for the tests',
  },
];

/** Compiling the larger one takes one to two minutes on two cores; after that Go's own cache has it. */
const timeoutMs = 300_000;
const drainMs = 2_000;

/**
 * Makes what is missing in `.fovea/bin`, unless the machine has one. Where that cannot be done the tests that need it
 * say so.
 * @param {import('../processes/supervisor.mjs').Supervisor} supervisor
 * @param {string} root
 * @param {import('../settings.mjs').Environment} env
 * @param {import('../terminal/progress.mjs').Progress} progress
 */
export async function provideGoPrograms(supervisor, root, env, progress) {
  const folder = join(root, '.fovea/bin');
  for (const { program, built, module, title } of programs) {
    const stampPath = join(folder, `${program}.txt`);
    if (isOnPath(program, env) || readStamp(stampPath) === module) continue;
    if (!isOnPath('go', env)) continue;
    try {
      await progress.step(`${title} (.fovea/bin)`, async () => {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        rmSync(stampPath, { force: true });
        await supervisor.run({
          name: 'go-install',
          command: 'go',
          // Without symbols it is half as large.
          args: ['install', '-trimpath', '-ldflags=-s -w', module],
          cwd: root,
          env: { ...env, GOBIN: folder, CGO_ENABLED: '0' },
          stage: 0,
          drainMs,
          timeoutMs,
        });
        renameSync(join(folder, built), join(folder, program));
        writeFileSync(stampPath, module);
      });
    } catch (error) {
      if (!(error instanceof PartFailure)) throw error;
      progress.say(`  ! no ${title}: ${error.format()}`);
    }
  }
}

/** @param {string} path */
function readStamp(path) {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : readFileSync(path, 'utf8');
}
