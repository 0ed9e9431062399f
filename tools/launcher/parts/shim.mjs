import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { given } from '../settings.mjs';
import { reachable, urlOf } from './addresses.mjs';
import { childEnv, gatewaySecrets, redisSecrets } from './child-env.mjs';
import { answersOk, probe } from './http-probe.mjs';
import { stages } from './stages.mjs';

/** Its clients, the adapters, are gone when it stops. */
const drainMs = 10_000;
/** Loading models reads gigabytes when an operator has large ones. */
const startTimeoutMs = 300_000;

/**
 * What an adapter needs to reach it.
 * @typedef {{ readonly url: string, readonly access: Readonly<Record<string, string>> }} ShimAccess
 */

/**
 * Starts the engine for ONNX models.
 * @param {import('../processes/supervisor.mjs').Supervisor} supervisor
 * @param {object} options
 * @param {import('../settings.mjs').Settings} options.settings
 * @param {import('../settings.mjs').Environment} options.env
 * @param {number} options.port
 * @returns {Promise<ShimAccess>}
 */
export async function startShim(supervisor, { settings, env, port }) {
  const url = urlOf('http', reachable(settings.shimHost), port);
  const isKeyGiven = given(env.SHIM_API_KEY) !== undefined || given(env.SHIM_API_KEY_FILE) !== undefined;
  // Loopback is open to every user of the machine, so the engine is never without a key.
  const key = isKeyGiven ? undefined : randomBytes(24).toString('hex');
  await supervisor.start(
    {
      name: 'shim',
      command: process.execPath,
      args: [join(settings.root, 'apps/gpu-worker-shim/dist/main.js')],
      cwd: settings.root,
      env: childEnv(env, {
        decided: {
          SHIM_HOST: settings.shimHost,
          SHIM_PORT: `${port}`,
          SHIM_MODELS: settings.shimModels,
          ...(key === undefined ? {} : { SHIM_API_KEY: key }),
        },
        without: [...gatewaySecrets, ...redisSecrets],
      }),
      stage: stages.shim,
      drainMs,
    },
    { isReady: (signal) => answersOk(`${url}/health`, signal), timeoutMs: startTimeoutMs },
  );
  return { url, access: key === undefined ? {} : { ADAPTER_ENGINE_API_KEY: key } };
}

/**
 * Names of the models that a running shim offers.
 * @param {ShimAccess} shim
 * @param {import('../settings.mjs').Environment} env
 * @param {AbortSignal} signal
 * @returns {Promise<readonly string[]>}
 */
export async function offeredModels({ url, access }, env, signal) {
  const file = given(env.SHIM_API_KEY_FILE);
  const own = given(env.SHIM_API_KEY) ?? (file === undefined ? undefined : readFileSync(file, 'utf8').trim());
  const key = access.ADAPTER_ENGINE_API_KEY ?? own;
  const answer = await probe(`${url}/v1/models`, signal, { authorization: `Bearer ${key}` });
  if (answer?.status !== 200) return [];
  return JSON.parse(answer.body).data.map((/** @type {{ id: string }} */ { id }) => id);
}
