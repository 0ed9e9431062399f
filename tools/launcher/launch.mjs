import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { setUp } from './install/setup.mjs';
import { findOrMakeApiKey } from './parts/api-key.mjs';
import { listsModels, startGateway } from './parts/gateway.mjs';
import { PortPicker, requireGatewayPort } from './parts/ports.mjs';
import { offeredModels, startShim } from './parts/shim.mjs';
import { stages } from './parts/stages.mjs';
import { chooseOpsPorts, startWorkerAdapter } from './parts/worker-adapter.mjs';
import { readWorkerFiles } from './parts/worker-files.mjs';
import { provideRedis } from './redis/provide-redis.mjs';
import { given, readSettings, SettingsError } from './settings.mjs';
import { welcomeText } from './terminal/welcome.mjs';

const listedTimeoutMs = 30_000;

/**
 * Brings a checkout from whatever state it is in to a running system.
 * @param {import('./processes/supervisor.mjs').Supervisor} supervisor
 * @param {object} options
 * @param {string} options.root
 * @param {import('./settings.mjs').Environment} options.env
 * @param {import('./terminal/progress.mjs').Progress} options.progress
 * @param {AbortSignal} options.stop
 */
export async function launch(supervisor, { root, env, progress, stop }) {
  const settings = readSettings(root, env);
  const ports = new PortPicker();
  // What can be refused is refused before minutes go into an installation.
  await requireGatewayPort(settings);
  const apiKey = findOrMakeApiKey(settings.stateFolder, env);
  const gatewayOpsPort = await ports.chosenOrFree(
    'GATEWAY_OPS_PORT',
    settings.gatewayOpsPort,
    settings.gatewayOpsHost,
  );
  const shimPort = await ports.chosenOrFree('SHIM_PORT', settings.shimPort, settings.shimHost);

  await setUp(supervisor, { root, env, progress, stop });
  const ownFiles = await readWorkerFiles(settings.workersFolder, root);
  const { stateFolder } = settings;
  const storage = {
    ...(await provideRedis(supervisor, { env, stateFolder, ports, stage: stages.redis, progress })),
    ...blobStore(stateFolder, env),
  };

  const shim = ownFiles.some(({ needsShim }) => needsShim)
    ? await progress.step('gpu-worker-shim', () => startShim(supervisor, { settings, env, port: shimPort }))
    : undefined;
  const files = [...ownFiles, ...(await findOptionalWorkers(settings, shim, env, stop))];
  const adapterPorts = await chooseOpsPorts(files, settings, ports);
  const [url] = await Promise.all([
    progress.step('gateway', () =>
      startGateway(supervisor, { settings, env, opsPort: gatewayOpsPort, apiKey, storage }),
    ),
    ...files.map((file, index) => {
      const opsPort = adapterPorts[index] ?? 0;
      return progress.step(file.name, () =>
        startWorkerAdapter(supervisor, {
          settings,
          env,
          file,
          opsPort,
          shim,
          storage,
          say: (text) => progress.say(text),
        }),
      );
    }),
  ]);
  const modelNames = files.flatMap((file) => file.modelNames);
  await progress.step(
    'models',
    () => waitForModels(url, apiKey.key, modelNames, stop),
    () => modelNames.join(', '),
  );
  const certificate = given(env.GATEWAY_TLS_CERT);
  progress.say(
    welcomeText({ root, url, apiKey, modelNames, certificate, logFolder: join(stateFolder, 'logs') }),
  );
}

/**
 * Workers of models that not every machine has: those whose models the shim has found.
 * @param {import('./settings.mjs').Settings} settings
 * @param {import('./parts/shim.mjs').ShimAccess | undefined} shim
 * @param {import('./settings.mjs').Environment} env
 * @param {AbortSignal} stop
 */
async function findOptionalWorkers({ root, optionalWorkersFolder }, shim, env, stop) {
  if (optionalWorkersFolder === undefined || shim === undefined) return [];
  const offered = new Set(await offeredModels(shim, env, stop));
  const files = await readWorkerFiles(optionalWorkersFolder, root);
  return files.filter(({ modelNames }) => modelNames.every((name) => offered.has(name)));
}

/**
 * @param {string} stateFolder
 * @param {import('./settings.mjs').Environment} env
 * @returns {Record<string, string>}
 */
function blobStore(stateFolder, env) {
  if (given(env.BLOB_STORE_URL) !== undefined) return {};
  const folder = join(stateFolder, 'blobs');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return { BLOB_STORE_URL: pathToFileURL(folder).href };
}

/**
 * @param {string} url
 * @param {string} key
 * @param {readonly string[]} names
 * @param {AbortSignal} stop
 */
async function waitForModels(url, key, names, stop) {
  const deadline = AbortSignal.timeout(listedTimeoutMs);
  const signal = AbortSignal.any([stop, deadline]);
  while (!(await listsModels(url, key, names, signal))) {
    stop.throwIfAborted();
    if (deadline.aborted) {
      throw new SettingsError(
        `the gateway does not list all of ${names.join(', ')} as available after ${listedTimeoutMs / 1000} s`,
      );
    }
    await sleep(100);
  }
}
