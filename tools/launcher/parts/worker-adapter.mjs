import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { reachable, urlOf } from './addresses.mjs';
import { childEnv, gatewaySecrets } from './child-env.mjs';
import { answersOk } from './http-probe.mjs';
import { isPortFree } from './ports.mjs';
import { stages } from './stages.mjs';

const startTimeoutMs = 120_000;

/**
 * Starts the worker-adapter of one TOML file; it is ready when its engine is healthy and its package is registered.
 * @param {import('../processes/supervisor.mjs').Supervisor} supervisor
 * @param {object} options
 * @param {import('../settings.mjs').Settings} options.settings
 * @param {import('../settings.mjs').Environment} options.env
 * @param {import('./worker-files.mjs').WorkerFile} options.file
 * @param {number} options.opsPort
 * @param {import('./shim.mjs').ShimAccess | undefined} options.shim
 * @param {Record<string, string>} options.storage REDIS_URL and BLOB_STORE_URL, where the user did not set them.
 * @param {(text: string) => void} options.say
 */
export async function startWorkerAdapter(supervisor, { settings, env, file, opsPort, shim, storage, say }) {
  const readyUrl = `${urlOf('http', reachable(settings.adapterOpsHost), opsPort)}/health/ready`;
  const engine = shim !== undefined && file.needsShim ? { ADAPTER_ENGINE_URL: shim.url, ...shim.access } : {};
  const isKeyDecided = 'ADAPTER_ENGINE_API_KEY' in engine;
  const decided = { ADAPTER_OPS_PORT: `${opsPort}`, ...storage, ...engine };
  const args = [join(settings.root, 'apps/worker-adapter/dist/main.js'), '--config', file.path];
  const byHand = startByHand(settings, file.name, decided, args);
  await supervisor.start(
    {
      name: file.name,
      command: process.execPath,
      args,
      cwd: settings.root,
      env: childEnv(env, {
        decided,
        without: [...gatewaySecrets, ...(isKeyDecided ? ['ADAPTER_ENGINE_API_KEY_FILE'] : [])],
      }),
      stage: stages.adapter,
      drainMs: settings.drainMs,
      // Workers come and go; the gateway says what that means for a model.
      onEnded: (failure) => say(`\n${failure.format()}\n  start it again: ${byHand}`),
    },
    {
      isReady: (signal) => answersOk(readyUrl, signal),
      timeoutMs: startTimeoutMs,
    },
  );
}

/**
 * Leaves what the launcher decided for a part in a file of its own, and returns the command that starts the part with
 * it from the root of the checkout.
 * @param {import('../settings.mjs').Settings} settings
 * @param {string} name
 * @param {Record<string, string>} decided
 * @param {readonly string[]} args
 */
function startByHand({ root, stateFolder }, name, decided, args) {
  const folder = join(stateFolder, 'env');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${name}.env`);
  const lines = Object.entries(decided).map(([variable, value]) => `${variable}='${value}'\n`);
  writeFileSync(path, lines.join(''), { mode: 0o600 });
  const words = args.map((word) => (word.startsWith(root) ? relative(root, word) : word));
  return ['node', `--env-file=${relative(root, path)}`, ...words].join(' ');
}

/**
 * Chooses the ops port of each adapter: ADAPTER_OPS_PORT and the ones after it, the file's own while it is free, or
 * any free one.
 * @param {readonly import('./worker-files.mjs').WorkerFile[]} files
 * @param {import('../settings.mjs').Settings} settings
 * @param {import('./ports.mjs').PortPicker} ports
 */
export async function chooseOpsPorts(files, { adapterOpsPort, adapterOpsHost }, ports) {
  const chosen = [];
  const fromFiles = new Set();
  for (const [index, { metricsPort }] of files.entries()) {
    if (adapterOpsPort !== undefined) {
      chosen.push(await ports.chosenOrFree('ADAPTER_OPS_PORT', adapterOpsPort + index, adapterOpsHost));
    } else if (
      metricsPort !== undefined &&
      !fromFiles.has(metricsPort) &&
      (await isPortFree(metricsPort, adapterOpsHost))
    ) {
      fromFiles.add(metricsPort);
      chosen.push(metricsPort);
    } else chosen.push(await ports.free(adapterOpsHost));
  }
  return chosen;
}
