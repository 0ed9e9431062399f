import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { answersPing } from './ping.mjs';

/** Redis goes last: the streams of all other parts live in it. */
const drainMs = 15_000;
const startTimeoutMs = 60_000;

/**
 * Starts a Redis server that only this checkout can use and returns its URL.
 * @param {import('../processes/supervisor.mjs').Supervisor} supervisor
 * @param {object} options
 * @param {import('./find-server.mjs').RedisBinary} options.binary
 * @param {string} options.folder
 * @param {number} options.port
 * @param {number} options.stage
 * @param {import('../settings.mjs').Environment} options.env
 */
export async function startOwnRedis(supervisor, { binary, folder, port, stage, env }) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const password = randomBytes(24).toString('hex');
  await supervisor.start(
    {
      name: 'redis',
      command: binary.path,
      argv0: binary.argv0,
      // "-" reads the configuration from stdin: a command line is visible to every user of the machine.
      args: ['-'],
      stdin: configuration({ folder, port, password }),
      env: { PATH: env.PATH, LANG: env.LANG },
      stage,
      drainMs,
    },
    {
      isReady: (signal) => answersPing({ host: '127.0.0.1', port, password }, signal),
      timeoutMs: startTimeoutMs,
    },
  );
  return `redis://:${password}@127.0.0.1:${port}`;
}

/** @param {{ folder: string, port: number, password: string }} options */
function configuration({ folder, port, password }) {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    'protected-mode yes',
    `requirepass ${password}`,
    `dir ${JSON.stringify(folder)}`,
    'daemonize no',
    'save ""',
    'appendonly yes',
    'appendfsync everysec',
    'maxmemory-policy noeviction',
    '',
  ].join('\n');
}
