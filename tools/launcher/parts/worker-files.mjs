import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../errors.mjs';
import { SettingsError } from '../settings.mjs';

/**
 * What the launcher must know of a worker's TOML file; the adapter itself reads and checks all of it.
 * @typedef {object} WorkerFile
 * @property {string} path
 * @property {string} name
 * @property {boolean} needsShim Its engine is the one this launcher starts.
 * @property {number | undefined} metricsPort
 * @property {readonly string[]} modelNames
 */

/** Engines the shim is; `vllm` runs elsewhere. */
const shimTypes = new Set(['onnx', 'luminous', 'transcription', 'embedding']);
const loopback = /^(localhost|127(\.\d+){3}|\[?::1\]?|0\.0\.0\.0)$/;

/**
 * The worker files of a folder, by name.
 * @param {string} folder
 * @param {string} root The checkout, whose packages must be installed.
 * @returns {Promise<WorkerFile[]>}
 */
export async function readWorkerFiles(folder, root) {
  const names = listFolder(folder)
    .filter((name) => name.endsWith('.toml'))
    .sort();
  // The launcher has no dependencies of its own; the registry's parser is there once packages are installed.
  const { resolve } = createRequire(join(root, 'packages/model-registry/package.json'));
  const { parse } = await import(pathToFileURL(resolve('smol-toml')).href);
  return names.map((name) => readWorkerFile(join(folder, name), parse));
}

/** @param {string} folder */
function listFolder(folder) {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw new SettingsError(`FOVEA_WORKERS: cannot read the folder ${folder} (${messageOf(error)})`);
  }
}

/**
 * @param {string} path
 * @param {(text: string) => unknown} parse
 * @returns {WorkerFile}
 */
function readWorkerFile(path, parse) {
  let content;
  try {
    content = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new SettingsError(`${path} is not TOML: ${messageOf(error)}`);
  }
  const generator = table(table(content).generator);
  const metricsPort = table(table(content).monitoring).metrics_port;
  return {
    path,
    name: `worker-${basename(path, '.toml').replaceAll(/[^\w.-]/g, '_')}`,
    needsShim: shimTypes.has(String(generator.type)) && isOwnEngine(generator.url),
    metricsPort: typeof metricsPort === 'number' ? metricsPort : undefined,
    modelNames: Object.keys(table(table(table(content).queue).models)),
  };
}

/**
 * No address, or one on this machine, means the shim that the launcher starts; any other is the user's own engine.
 * @param {unknown} url
 */
function isOwnEngine(url) {
  if (url === undefined) return true;
  return typeof url === 'string' && URL.canParse(url) && loopback.test(new URL(url).hostname);
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
function table(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
