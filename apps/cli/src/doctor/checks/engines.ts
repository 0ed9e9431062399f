import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseBlobStoreUrl } from '@fovea/blob-store';
import type { WorkerFile } from '@fovea/model-registry/worker-file';
import { z } from 'zod';
import { parseAnswer } from '../../api/answers.js';
import { isLoopback } from '../../connection.js';
import type { CheckedFile } from '../../models/validate/check-worker-file.js';
import { askHttp } from '../ask-http.js';
import { judgeClock } from '../clock.js';
import type { Examination } from '../examination.js';
import { type Finding, Findings } from '../finding.js';

const servedSchema = z.object({ data: z.array(z.object({ id: z.string() })) });

/** The adapter's own order: environment, then the file; the shim's key goes to no other engine. */
async function keyOf(
  path: string,
  { generator }: WorkerFile,
  { deployment }: Examination,
): Promise<string | undefined> {
  const key = await deployment.workerVariable(path, 'ADAPTER_ENGINE_API_KEY');
  if (key !== undefined) return key;
  if (generator.apiKeyFile !== undefined) {
    return (await readFile(generator.apiKeyFile, 'utf8').catch(() => '')).trim() || undefined;
  }
  return generator.type === 'vllm' ? undefined : deployment.workerVariable(path, 'SHIM_API_KEY');
}

async function urlsOf(
  path: string,
  { generator }: WorkerFile,
  { deployment }: Examination,
): Promise<readonly string[]> {
  const chosen = await deployment.workerVariable(path, 'ADAPTER_ENGINE_URL');
  if (chosen === undefined) return generator.urls;
  return chosen
    .split(',')
    .map((url) => url.trim().replace(/\/+$/, ''))
    .filter((url) => url !== '');
}

function judgeModels(body: string, { queue }: WorkerFile, where: string, findings: Findings): void {
  const served = parseAnswer(servedSchema, body)?.data.map(({ id }) => id);
  if (served === undefined) {
    findings.fail(`What answers at ${where} lists no models.`, 'Is it an engine? Check [generator] url.');
    return;
  }
  const isServed = (name: string): boolean =>
    served.includes(name) || served.includes(queue.checkpointName) || served.length === 1;
  const missing = queue.models.filter(({ name }) => !isServed(name)).map(({ name }) => name);
  if (missing.length === 0)
    findings.ok(`${where} serves ${queue.models.map(({ name }) => name).join(', ')}.`);
  else {
    findings.fail(
      `${where} does not serve ${missing.join(', ')}; it lists ${served.join(', ') || 'nothing'}.`,
      'Start it with that name (vLLM: --served-model-name), or change the name in the worker file.',
    );
  }
}

async function checkEngine(
  url: string,
  file: WorkerFile,
  key: string | undefined,
  { terminal: { signal } }: Examination,
  findings: Findings,
): Promise<void> {
  const where = hideUser(url);
  const health = await askHttp(`${url}/health`, undefined, signal);
  if (health.status === undefined) {
    findings.fail(
      `No engine answers at ${where} (${health.reason}).`,
      'Start it, or correct [generator] url or ADAPTER_ENGINE_URL.',
    );
    return;
  }
  if (health.status >= 400) {
    findings.fail(
      `The engine at ${where} says that it is not healthy (${health.status}).`,
      'Look at its log; restart it.',
    );
  }
  const models = await askHttp(`${url}/v1/models`, key, signal);
  if (models.status === 401 || models.status === 403) {
    findings.fail(
      `The engine at ${where} refuses ${key === undefined ? 'to answer without a key' : 'the key'}.`,
      'Put its key into [generator] api_key_file or ADAPTER_ENGINE_API_KEY.',
    );
  } else if (models.status === 200) judgeModels(models.body, file, where, findings);
  else if (health.status < 400) {
    findings.fail(
      `The engine at ${where} does not list its models (${models.status ?? models.reason}).`,
      'Look at its log.',
    );
  }
  const { clockSkewMs } = health;
  if (clockSkewMs !== undefined && !isLoopback(url)) judgeClock(findings, where, clockSkewMs);
}

/** Engines see the folder by another path when they run in a container; then nobody here can tell. */
async function checkMediaPath(
  { generator }: WorkerFile,
  urls: readonly string[],
  { blobStoreUrl }: Examination,
  findings: Findings,
): Promise<void> {
  const { mediaPath } = generator;
  if (mediaPath === undefined || blobStoreUrl === undefined) return;
  const location = parseBlobStoreUrl(blobStoreUrl);
  if (location.kind !== 'file') {
    findings.warn(
      'media_path has no effect: the blob store is no folder.',
      'Remove it from the worker file.',
    );
    return;
  }
  if (!urls.every(isLoopback)) return;
  const [media, blobs] = await Promise.all(
    [mediaPath, location.root].map((path) => stat(path).catch(() => undefined)),
  );
  if (media !== undefined && blobs !== undefined && media.ino === blobs.ino && media.dev === blobs.dev) {
    findings.ok('media_path is the blob folder.');
  } else {
    findings.warn(
      `media_path ${mediaPath} is not the blob folder on this host.`,
      `Unless the engine runs in a container that mounts it there: media_path = "${location.root}", and vLLM with --allowed-local-media-path ${location.root}, the gpu-worker-shim with SHIM_ALLOWED_LOCAL_MEDIA_PATH=${location.root}`,
    );
  }
}

const hideUser = (url: string): string => (URL.canParse(url) ? new URL(url).host : 'an address that is none');

async function checkWorker(worker: CheckedFile, examination: Examination): Promise<Finding[]> {
  const { path, file, problems } = worker;
  const findings = new Findings(`worker ${basename(path)}`);
  if (problems.length > 0 || file === undefined) {
    findings.fail(
      `Its worker-adapter would not start (${problems.length} problems).`,
      `fovea models validate ${path}`,
    );
    return findings.list;
  }
  const urls = await urlsOf(path, file, examination);
  if (urls.length === 0) findings.fail('It names no engine.', 'Set [generator] url or ADAPTER_ENGINE_URL.');
  const key = await keyOf(path, file, examination);
  for (const url of urls) await checkEngine(url, file, key, examination, findings);
  await checkMediaPath(file, urls, examination, findings);
  return findings.list;
}

/** The engines of all worker files. */
export async function checkEngines(examination: Examination): Promise<Finding[]> {
  const { workers, workersFolder } = examination;
  if (workers.length === 0) {
    const findings = new Findings('workers');
    findings.warn(
      `There is no worker file in ${workersFolder}.`,
      'FOVEA_WORKERS names the folder they are in.',
    );
    return findings.list;
  }
  return (await Promise.all(workers.map((worker) => checkWorker(worker, examination)))).flat();
}
