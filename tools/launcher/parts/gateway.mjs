import { join } from 'node:path';
import { reachable, urlOf } from './addresses.mjs';
import { childEnv } from './child-env.mjs';
import { answersOk, probe } from './http-probe.mjs';
import { stages } from './stages.mjs';

const startTimeoutMs = 60_000;

/**
 * Starts the gateway and returns the URL of its API on this machine.
 * @param {import('../processes/supervisor.mjs').Supervisor} supervisor
 * @param {object} options
 * @param {import('../settings.mjs').Settings} options.settings
 * @param {import('../settings.mjs').Environment} options.env
 * @param {number} options.opsPort
 * @param {import('./api-key.mjs').ApiKey} options.apiKey
 * @param {Record<string, string>} options.storage REDIS_URL and BLOB_STORE_URL, where the user did not set them.
 */
export async function startGateway(supervisor, { settings, env, opsPort, apiKey, storage }) {
  const readyUrl = `${urlOf('http', reachable(settings.gatewayOpsHost), opsPort)}/health/ready`;
  await supervisor.start(
    {
      name: 'gateway',
      command: process.execPath,
      args: [join(settings.root, 'apps/gateway/dist/main.js')],
      cwd: settings.root,
      env: childEnv(env, {
        decided: {
          GATEWAY_HOST: settings.gatewayHost,
          GATEWAY_PORT: `${settings.gatewayPort}`,
          GATEWAY_OPS_PORT: `${opsPort}`,
          ...apiKey.env,
          ...storage,
        },
        without: ['SHIM_API_KEY', 'SHIM_API_KEY_FILE'],
      }),
      stage: stages.gateway,
      drainMs: settings.drainMs,
    },
    {
      isReady: (signal) => answersOk(readyUrl, signal),
      timeoutMs: startTimeoutMs,
    },
  );
  return urlOf(settings.isTls ? 'https' : 'http', reachable(settings.gatewayHost), settings.gatewayPort);
}

/**
 * True when the gateway lists every one of the models as available.
 * @param {string} url
 * @param {string} key
 * @param {readonly string[]} names
 * @param {AbortSignal} signal
 */
export async function listsModels(url, key, names, signal) {
  const answer = await probe(`${url}/v1/model-settings`, signal, { authorization: `Bearer ${key}` });
  if (answer?.status !== 200) return false;
  const listed = JSON.parse(answer.body);
  if (!Array.isArray(listed)) return false;
  const available = new Set(listed.flatMap(({ name, status }) => (status === 'available' ? [name] : [])));
  return names.every((name) => available.has(name));
}
