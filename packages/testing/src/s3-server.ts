import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './redis-server.js';
import type { Requirement } from './requirement.js';

/** `npm test` puts the server here, see tools/launcher/install/go-programs.mjs. */
const binFolder = new URL('../../../.fovea/bin/', import.meta.url);

/** Path of an S3-compatible server that tests may start, or undefined when this machine has none. */
function findS3Binary(): string | undefined {
  // Its stamp is written last, so an installation that broke off does not count.
  if (existsSync(new URL('versitygw.txt', binFolder))) return fileURLToPath(new URL('versitygw', binFolder));
  const found = spawnSync('sh', ['-c', 'command -v versitygw'], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

/** An S3-compatible server that tests may start. */
export const s3Binary: Requirement = {
  name: 'S3 server',
  missing: () =>
    findS3Binary() === undefined
      ? 'npm test makes .fovea/bin/versitygw where Go is; one on PATH will do as well'
      : undefined,
};

export interface S3Server {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** SIGKILL, as a crash would. `restart` brings it back on the same port with what it had stored. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface S3ServerOptions {
  /** Where it keeps its objects, for a disk of a certain size; else a folder of its own that `stop` removes. */
  readonly folder?: string;
}

const START_TIMEOUT_MS = 20_000;

async function answers(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(`${endpoint}/health`, { signal: AbortSignal.timeout(1_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

async function endChild(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** Starts an S3-compatible server with one empty bucket on a free loopback port; throws when there is none. */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const binary = findS3Binary();
  if (binary === undefined) throw new Error('there is no versitygw in .fovea/bin or on PATH');
  const own = await mkdtemp(join(tmpdir(), 'fovea-s3-'));
  const folder = options.folder ?? own;
  // A folder below the root is a bucket; the metadata beside it, because not every file system has attributes.
  const [objects, metadata] = [join(folder, 'objects'), join(folder, 'metadata')];
  await mkdir(join(objects, 'fovea-test'), { recursive: true });
  await mkdir(metadata, { recursive: true });
  const address = `127.0.0.1:${await freePort()}`;
  const keys = { accessKeyId: 'fovea-test-key', secretAccessKey: 'fovea-test-secret' };
  const endpoint = `http://${address}`;
  let child: ChildProcess | undefined;

  const launch = async (): Promise<void> => {
    const args = ['--port', address, '--quiet', '--keep-alive', '--health', '/health'];
    child = spawn(binary, [...args, 'posix', '--sidecar', metadata, objects], {
      env: {
        PATH: process.env.PATH,
        ROOT_ACCESS_KEY: keys.accessKeyId,
        ROOT_SECRET_KEY: keys.secretAccessKey,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint = `${complaint}${chunk.toString()}`.slice(-1_000);
    });
    const ended = once(child, 'exit').then(() => true);
    const deadlineMs = performance.now() + START_TIMEOUT_MS;
    while (!(await answers(endpoint))) {
      if (await Promise.race([ended, sleep(15, false)])) throw new Error(`the S3 server ended: ${complaint}`);
      if (performance.now() < deadlineMs) continue;
      await endChild(child, 'SIGKILL');
      throw new Error('the S3 server did not answer in time');
    }
  };
  await launch();
  return {
    endpoint,
    bucket: 'fovea-test',
    ...keys,
    kill: () => endChild(child, 'SIGKILL'),
    restart: launch,
    async stop() {
      await endChild(child, 'SIGTERM');
      await rm(own, { recursive: true, force: true });
    },
  };
}
