import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { repository } from './part.js';
import { keys, type System } from './system.js';

export interface CommandRun {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `fovea` as a user would, with the addresses of a system and a key of the tenant alpha. */
export async function fovea(
  system: System,
  words: readonly string[],
  options: { env?: Readonly<Record<string, string>>; stdin?: string } = {},
): Promise<CommandRun> {
  const child = spawn(process.execPath, ['apps/cli/bin/fovea.mjs', ...words], {
    cwd: repository,
    env: {
      PATH: process.env.PATH ?? '',
      FOVEA_URL: system.url,
      FOVEA_API_KEY: keys.alpha,
      REDIS_URL: system.redis.url,
      BLOB_STORE_URL: `file://${system.blobFolder}`,
      ...options.env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(options.stdin ?? '');
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [exitCode, out, err] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
  return { exitCode, out, err };
}
