import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Requirement } from './requirement.js';

const run = promisify(execFile);
const own = new URL('../../../.fovea/bin/compose-go', import.meta.url);

/** Path of the program that reads compose files as `docker compose config` does, or undefined. */
function findComposeReader(): string | undefined {
  // Its stamp is written last, so an installation that broke off does not count.
  if (existsSync(new URL('compose-go.txt', own))) return fileURLToPath(own);
  const found = spawnSync('sh', ['-c', 'command -v compose-go'], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

/** compose-go, the part of `docker compose` that reads, checks and merges files. It needs no engine. */
export const composeReader: Requirement = {
  name: 'compose-go',
  missing: () =>
    findComposeReader() === undefined
      ? 'npm test makes .fovea/bin/compose-go where Go is; one on PATH will do as well'
      : undefined,
};

/**
 * The merged model of compose files, as `docker compose config --format json` prints it, with the defaults of what they
 * interpolate: the command does not look at its environment. Paths lie below `folder`. Throws with the reader's words
 * where it refuses a file.
 */
export async function readComposeFiles(folder: string, files: readonly string[]): Promise<unknown> {
  const reader = findComposeReader();
  if (reader === undefined) throw new Error('there is no compose-go in .fovea/bin or on PATH');
  const { stdout, stderr } = await run(reader, ['-format', 'json', ...files], { cwd: folder });
  // It tells of some failures on stderr alone.
  if (stdout === '') throw new Error(`${files.join(' ')}: ${stderr}`);
  return JSON.parse(stdout);
}
