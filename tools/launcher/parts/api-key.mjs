import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { given, SettingsError } from '../settings.mjs';

/**
 * A key the launcher can use itself and show to its user.
 * @typedef {object} ApiKey
 * @property {string} tenant
 * @property {string} key
 * @property {string} shellWord How a shell command line gets at the key; it never holds a key that stands in a file.
 * @property {string} source
 * @property {Readonly<Record<string, string>>} env What the gateway needs beside the user's own variables.
 */

/**
 * The first of the user's keys, or one made for this checkout and kept in `.fovea/api-key`.
 * @param {string} stateFolder
 * @param {import('../settings.mjs').Environment} env
 * @returns {ApiKey}
 */
export function findOrMakeApiKey(stateFolder, env) {
  const inline = given(env.GATEWAY_API_KEYS);
  if (inline !== undefined) {
    const first = firstKey(inline, 'GATEWAY_API_KEYS');
    return { ...first, shellWord: quote(first.key), source: 'the first of GATEWAY_API_KEYS', env: {} };
  }
  const file = given(env.GATEWAY_API_KEYS_FILE);
  if (file !== undefined) {
    const shellWord = `"$(cut -d, -f1 ${quote(file)} | cut -d: -f2- | tr -d '[:space:]')"`;
    return {
      ...firstKey(readFileSync(file, 'utf8'), file),
      shellWord,
      source: `the first in ${file}`,
      env: {},
    };
  }
  const path = join(stateFolder, 'api-key');
  const key = readOrMake(path);
  return {
    tenant: 'local',
    key,
    shellWord: quote(key),
    source: path,
    env: { GATEWAY_API_KEYS: `local:${key}` },
  };
}

/** @param {string} path */
function readOrMake(path) {
  if (existsSync(path)) {
    chmodSync(path, 0o600);
    const key = readFileSync(path, 'utf8').trim();
    if (/^[\w-]{16,}$/.test(key)) return key;
  }
  const key = `fovea-${randomBytes(24).toString('base64url')}`;
  writeFileSync(path, `${key}\n`, { mode: 0o600 });
  return key;
}

/**
 * @param {string} list
 * @param {string} where
 */
function firstKey(list, where) {
  const [tenant, ...rest] = (list.split(',')[0] ?? '').trim().split(':');
  const key = rest.join(':');
  if (!tenant || key === '') throw new SettingsError(`${where}: expected tenant:key,tenant2:key2`);
  return { tenant, key };
}

/**
 * One word of a POSIX shell, whatever it holds.
 * @param {string} text
 */
export function quote(text) {
  return /^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
