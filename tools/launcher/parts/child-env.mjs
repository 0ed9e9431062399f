/** @typedef {import('../settings.mjs').Environment} Environment */

/** Keys that let their reader into the gateway. */
export const gatewaySecrets = [
  'GATEWAY_API_KEYS',
  'GATEWAY_API_KEYS_FILE',
  'GATEWAY_ADMIN_KEYS',
  'GATEWAY_ADMIN_KEYS_FILE',
  'GATEWAY_TLS_KEY',
];
export const redisSecrets = ['REDIS_URL', 'REDIS_URL_FILE'];

/**
 * The environment of a child: all the user set, so that no variable of an app is lost on the way, without npm's own
 * and without the secrets of other parts, plus what the launcher decided.
 * @param {Environment} env
 * @param {{ decided: Record<string, string>, without?: readonly string[] }} options
 * @returns {Record<string, string>}
 */
export function childEnv(env, { decided, without = [] }) {
  /** @type {Record<string, string>} */
  const kept = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !name.startsWith('npm_') && !without.includes(name)) kept[name] = value;
  }
  return { ...kept, ...decided };
}
