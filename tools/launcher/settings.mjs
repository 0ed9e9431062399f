import { resolve } from 'node:path';

/**
 * The user's wish cannot be carried out as it stands; the message says what to do. No stack is shown for it.
 */
export class SettingsError extends Error {
  /** @override */
  name = 'SettingsError';
}

/** After the last request may end: its answer is on the way, and its records are written. */
const drainReserveMs = 10_000;

/** @typedef {Readonly<Record<string, string | undefined>>} Environment */

/**
 * What the launcher itself reads of the environment. The apps read the rest: they are given all of it.
 * @typedef {object} Settings
 * @property {string} root The checkout.
 * @property {string} stateFolder Run-time files of this checkout.
 * @property {string} gatewayHost
 * @property {number} gatewayPort
 * @property {boolean} isGatewayPortChosen
 * @property {string} gatewayOpsHost
 * @property {number | undefined} gatewayOpsPort
 * @property {string} adapterOpsHost
 * @property {number | undefined} adapterOpsPort
 * @property {string} shimHost
 * @property {number | undefined} shimPort
 * @property {string} workersFolder
 * @property {string | undefined} optionalWorkersFolder Started only where the shim offers their models; none beside a
 *   folder of the user's own.
 * @property {string} shimModels A list as the shim reads it: folders, or name=folder.
 * @property {boolean} isTls
 * @property {number} drainMs How long running requests may go on after a wish to stop.
 */

/**
 * @param {string} root
 * @param {Environment} env
 * @returns {Settings}
 * @throws {SettingsError}
 */
export function readSettings(root, env) {
  const gatewayPort = portOf(env, 'GATEWAY_PORT');
  return {
    root,
    stateFolder: resolve(root, '.fovea'),
    gatewayHost: given(env.GATEWAY_HOST) ?? '127.0.0.1',
    gatewayPort: gatewayPort ?? 8080,
    isGatewayPortChosen: gatewayPort !== undefined,
    gatewayOpsHost: given(env.GATEWAY_OPS_HOST) ?? '127.0.0.1',
    gatewayOpsPort: portOf(env, 'GATEWAY_OPS_PORT'),
    adapterOpsHost: given(env.ADAPTER_OPS_HOST) ?? '127.0.0.1',
    adapterOpsPort: portOf(env, 'ADAPTER_OPS_PORT'),
    shimHost: given(env.SHIM_HOST) ?? '127.0.0.1',
    shimPort: portOf(env, 'SHIM_PORT'),
    workersFolder: resolve(root, given(env.FOVEA_WORKERS) ?? 'models/workers'),
    optionalWorkersFolder:
      given(env.FOVEA_WORKERS) === undefined ? resolve(root, 'models/optional-workers') : undefined,
    shimModels: given(env.SHIM_MODELS) ?? resolve(root, 'models'),
    isTls: given(env.GATEWAY_TLS_CERT) !== undefined,
    drainMs: (secondsOf(env, 'REQUEST_TIMEOUT_S') ?? 300) * 1000 + drainReserveMs,
  };
}

/**
 * The value of a variable; an empty one counts as unset, as in the apps.
 * @param {string | undefined} value
 */
export function given(value) {
  return value === undefined || value.trim() === '' ? undefined : value.trim();
}

/**
 * @param {Environment} env
 * @param {string} name
 */
function portOf(env, name) {
  const text = given(env[name]);
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port >= 1 && port <= 65_535))
    throw new SettingsError(`${name} is "${text}", expected a port from 1 to 65535`);
  return port;
}

/**
 * @param {Environment} env
 * @param {string} name
 */
function secondsOf(env, name) {
  const text = given(env[name]);
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (!(seconds > 0 && seconds < 1e6)) throw new SettingsError(`${name} is "${text}", expected seconds`);
  return seconds;
}
