import { execFile } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { findRedisBinary } from '@fovea/testing/redis-server';
import { repository } from '../processes/child.js';
import { portkeyVersion } from '../systems/portkey.js';

/** What the numbers depend on besides the code. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
  readonly redis: string;
  readonly portkey: string;
  /** Commit of the checkout, with a plus sign when files differ from it. */
  readonly commit: string;
}

const unknown = 'unknown';

async function firstLine(command: string, args: readonly string[], argv0?: string): Promise<string> {
  const options = { cwd: repository, ...(argv0 === undefined ? {} : { argv0 }) };
  return promisify(execFile)(command, [...args], options).then(
    ({ stdout }) => stdout.split('\n', 1)[0] ?? '',
    () => unknown,
  );
}

export async function describeMachine(): Promise<Machine> {
  const binary = findRedisBinary();
  // One binary may act by the name it is called with.
  const redis = binary === undefined ? 'none' : await firstLine(binary, ['--version'], 'redis-server');
  const changes = await firstLine('git', ['status', '--porcelain', '--untracked-files=no']);
  const commit = await firstLine('git', ['rev-parse', '--short', 'HEAD']);
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model ?? unknown,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    redis: /\d+\.\d+\.\d+/.exec(redis)?.[0] ?? redis,
    portkey: portkeyVersion,
    commit: `${commit}${changes === '' || commit === unknown ? '' : '+'}`,
  };
}
