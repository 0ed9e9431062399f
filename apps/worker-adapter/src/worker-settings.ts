import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConfigError, type ConfigProblem } from '@fovea/config';
import { loadImageProcessor, parseWorkerFile, type WorkerFile } from '@fovea/model-registry/worker-file';
import type { ImageProcessor } from '@fovea/schemas/model-package';
import type { WorkerConfig } from './worker.config.js';

/** What the worker file and the environment together decide. */
export interface WorkerSettings {
  readonly file: WorkerFile;
  /** How the model sizes pictures; null when nothing tells. */
  readonly imageProcessor: ImageProcessor | null;
  readonly redisUrl: string;
  /** At least one, each once; the same slots and key for all. */
  readonly engineUrls: readonly string[];
  readonly engineApiKey: string | undefined;
  /** Of each engine. */
  readonly textSlots: number;
  /** Of each engine. */
  readonly mediaSlots: number;
  /** Of each engine. */
  readonly embedSlots: number;
  /** Of each engine; undefined: the engine's own figures decide. */
  readonly tokenBudget: number | undefined;
  readonly opsPort: number;
  readonly drainMs: number;
}

const DEFAULT_TEXT_SLOTS = 16;
const DEFAULT_MEDIA_SLOTS = 4;
/** More than run at once: what waits makes full batches. */
const DEFAULT_EMBED_SLOTS = 64;
/** Each engine has metrics of its own. */
const MAX_ENGINES = 64;
/** After the last deadline: the end of an answer is still to be written. */
const DRAIN_RESERVE_S = 10;

/**
 * Reads the worker file and lets the environment override its host-local parts. `path` is the argument `--config`.
 * Throws `ConfigError` or `WorkerFileError` with every problem of one kind at once.
 */
export async function readWorkerSettings(
  path: string | undefined,
  config: WorkerConfig,
): Promise<WorkerSettings> {
  const chosen = path ?? config.ADAPTER_CONFIG;
  if (chosen === undefined) throw problems([missing('ADAPTER_CONFIG', 'a worker file, or --config <file>')]);
  const file = parseWorkerFile(await readText('ADAPTER_CONFIG', chosen), resolve(chosen));
  const { generator, queue, monitoring } = file;
  const redisUrl = queue.url ?? config.REDIS_URL;
  const engineUrls = config.ADAPTER_ENGINE_URL ?? generator.urls;
  const found: ConfigProblem[] = [];
  if (redisUrl === undefined) found.push(missing('REDIS_URL', 'an address, here or as [queue] url'));
  found.push(...problemsOfEngines(engineUrls));
  if (redisUrl === undefined || found.length > 0) throw problems(found);
  const { maxNumSeqs } = generator;
  return {
    file,
    imageProcessor: await loadImageProcessor(file),
    redisUrl,
    engineUrls,
    engineApiKey: await readApiKey(file, config),
    embedSlots: config.ADAPTER_EMBED_SLOTS ?? DEFAULT_EMBED_SLOTS,
    textSlots: config.ADAPTER_TEXT_SLOTS ?? maxNumSeqs ?? DEFAULT_TEXT_SLOTS,
    mediaSlots:
      config.ADAPTER_MEDIA_SLOTS ?? Math.min(DEFAULT_MEDIA_SLOTS, maxNumSeqs ?? DEFAULT_MEDIA_SLOTS),
    tokenBudget: config.ADAPTER_TOKEN_BUDGET ?? generator.tokenBudget,
    opsPort: config.ADAPTER_OPS_PORT ?? monitoring.metricsPort,
    drainMs: (config.ADAPTER_DRAIN_S ?? config.REQUEST_TIMEOUT_S + DRAIN_RESERVE_S) * 1_000,
  };
}

function problemsOfEngines(urls: readonly string[]): ConfigProblem[] {
  const variable = 'ADAPTER_ENGINE_URL';
  if (urls.length === 0) return [missing(variable, 'one or several, here or as [generator] url')];
  if (urls.length > MAX_ENGINES) {
    return [{ variable, found: `${urls.length} engines`, expected: `at most ${MAX_ENGINES}` }];
  }
  const isTwice = new Set(urls).size < urls.length;
  return isTwice ? [{ variable, found: 'an address twice', expected: 'each engine once' }] : [];
}

/** The shim's key goes to no engine that is not a shim. */
async function readApiKey({ generator }: WorkerFile, config: WorkerConfig): Promise<string | undefined> {
  if (config.ADAPTER_ENGINE_API_KEY !== undefined) return config.ADAPTER_ENGINE_API_KEY;
  if (generator.apiKeyFile !== undefined) {
    return (await readText('[generator] api_key_file', generator.apiKeyFile)).trim();
  }
  return generator.type === 'vllm' ? undefined : config.SHIM_API_KEY;
}

async function readText(variable: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const reason = typeof error === 'object' && error && 'code' in error ? String(error.code) : 'unreadable';
    throw problems([{ variable, found: `${path} (${reason})`, expected: 'a readable file' }]);
  }
}

const problems = (found: readonly ConfigProblem[]): ConfigError => new ConfigError(found);

const missing = (variable: string, expected: string): ConfigProblem => ({
  variable,
  found: 'nothing',
  expected,
});
