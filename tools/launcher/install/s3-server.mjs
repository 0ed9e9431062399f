import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PartFailure } from '../processes/part-failure.mjs';
import { isOnPath } from './system-packages.mjs';

/** A real S3-compatible server that keeps its objects in a folder. One program, no services beside it. */
const program = 'versitygw';
const module = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';

/** Compiling it takes one to two minutes on two cores; after that Go's own cache has it. */
const timeoutMs = 300_000;
const drainMs = 2_000;

/**
 * Makes `.fovea/bin/versitygw` for the tests of the S3 adapter, unless the machine has one. Where that cannot be done
 * the tests that need it say so.
 * @param {import('../processes/supervisor.mjs').Supervisor} supervisor
 * @param {string} root
 * @param {import('../settings.mjs').Environment} env
 * @param {import('../terminal/progress.mjs').Progress} progress
 */
export async function provideS3Server(supervisor, root, env, progress) {
  const folder = join(root, '.fovea/bin');
  const stampPath = join(folder, `${program}.txt`);
  if (isOnPath(program, env) || readStamp(stampPath) === module) return;
  if (!isOnPath('go', env)) return;
  try {
    await progress.step('S3 server for the tests (.fovea/bin)', async () => {
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
      writeFileSync(stampPath, module);
    });
  } catch (error) {
    if (!(error instanceof PartFailure)) throw error;
    progress.say(`  ! no S3 server: ${error.format()}`);
  }
}

/** @param {string} path */
function readStamp(path) {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : readFileSync(path, 'utf8');
}
