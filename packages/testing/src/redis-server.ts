import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectSocket, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian ships the server's binary under this name in redis-tools; it acts by the name it is called with. */
const candidates = ['redis-server', 'valkey-server', 'redis-check-rdb'];

/** Path of a redis-server-like binary, or undefined when this machine has none. */
export function findRedisBinary(): string | undefined {
  for (const name of candidates) {
    const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
    if (found.status === 0) return found.stdout.trim();
  }
  return undefined;
}

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** SIGKILL, as a crash would. `restart` brings it back on the same port with what its AOF holds. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** Persist with AOF (everysec). Off by default: most tests want speed. */
  readonly appendOnly?: boolean;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString().startsWith('+PONG'));
    });
    socket.once('error', () => resolve(false));
  });
}

/** Starts a redis-server of its own on a free loopback port; throws with the reason when there is no binary. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const binary = findRedisBinary();
  if (binary === undefined) throw new Error(`none of ${candidates.join(', ')} is on PATH`);
  const folder = await mkdtemp(join(tmpdir(), 'fovea-redis-'));
  const port = await freePort();
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  args.push('--appendonly', options.appendOnly ? 'yes' : 'no', '--maxmemory-policy', 'noeviction');

  let child: ChildProcess;
  const launch = async (): Promise<void> => {
    child = spawn(binary, args, { argv0: 'redis-server', stdio: 'ignore' });
    const exited = once(child, 'exit').then(() => true);
    for (;;) {
      if (await answersPing(port)) return;
      const gone = await Promise.race([exited, new Promise<false>((r) => setTimeout(() => r(false), 15))]);
      if (gone) throw new Error(`redis-server ended at once (code ${child.exitCode})`);
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  await launch();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return child.pid ?? 0;
    },
    kill: () => end('SIGKILL'),
    restart: launch,
    async stop() {
      await end('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
