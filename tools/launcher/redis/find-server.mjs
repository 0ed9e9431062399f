import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What BullMQ 6 needs. */
const oldest = [6, 2];

/** Debian's redis-tools ships the server under the last name; the binary acts by the name it is called with. */
export const serverNames = ['redis-server', 'valkey-server', 'redis-check-rdb'];

/**
 * @typedef {{ readonly path: string, readonly argv0: string, readonly version: string }} RedisBinary
 */

/**
 * The first program on PATH that is a Redis server and new enough.
 * @param {import('../settings.mjs').Environment} env
 * @returns {RedisBinary | undefined}
 */
export function findRedisServer(env) {
  for (const name of serverNames) {
    for (const folder of (env.PATH ?? '').split(delimiter)) {
      const path = join(folder, name);
      if (folder === '' || !isExecutable(path)) continue;
      const argv0 = name === 'valkey-server' ? name : 'redis-server';
      const version = versionOf(path, argv0);
      if (version !== undefined) return { path, argv0, version };
    }
  }
  return undefined;
}

/**
 * @param {string} path
 * @param {string} argv0
 */
function versionOf(path, argv0) {
  const asked = spawnSync(path, ['--version'], { argv0, encoding: 'utf8', timeout: 5_000 });
  const found = /server v=((\d+)\.(\d+)[\d.]*)/.exec(asked.stdout ?? '');
  if (found === null) return undefined;
  const [major, minor] = [Number(found[2]), Number(found[3])];
  const isNewEnough = major > (oldest[0] ?? 0) || (major === oldest[0] && minor >= (oldest[1] ?? 0));
  return isNewEnough ? found[1] : undefined;
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
