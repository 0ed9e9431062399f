import { access, constants, readFile, stat } from 'node:fs/promises';
import {
  loadImageProcessor,
  parseWorkerFile,
  type WorkerFile,
  WorkerFileError,
  type WorkerFileProblem,
} from '@fovea/model-registry/worker-file';
import { exitCodes, Failure, fileReason } from '../../failure.js';

/** A worker file as the adapter would judge it at its start, and what of it this host can tell besides. */
export interface CheckedFile {
  readonly path: string;
  /** Undefined when it cannot be used. */
  readonly file: WorkerFile | undefined;
  /** The adapter does not start with any of them. */
  readonly problems: readonly WorkerFileProblem[];
  /** It starts; but something is ignored, missing here, or without effect. */
  readonly warnings: readonly string[];
}

/** Model files and keys may lie on another host, or in a container: what is not here is for the reader to judge. */
async function hostProblems({ generator }: WorkerFile): Promise<WorkerFileProblem[]> {
  const { apiKeyFile } = generator;
  if (apiKeyFile === undefined) return [];
  try {
    await access(apiKeyFile, constants.R_OK);
    const { size } = await stat(apiKeyFile);
    if (size > 0) return [];
    return [
      {
        where: 'generator.api_key_file',
        found: `${apiKeyFile}, which is empty`,
        expected: 'a file with a key',
      },
    ];
  } catch (error) {
    const found = `${apiKeyFile} (${fileReason(error)})`;
    return [{ where: 'generator.api_key_file', found, expected: 'a readable file with a key' }];
  }
}

async function pathWarnings({ generator }: WorkerFile): Promise<string[]> {
  const { modelPath } = generator;
  if (modelPath === undefined) return [];
  const facts = await stat(modelPath).catch(() => undefined);
  if (facts?.isDirectory() === true) return [];
  return [
    `generator.model_path: there is no folder ${modelPath} on this host; nothing is read from its files`,
  ];
}

async function imageWarnings(file: WorkerFile): Promise<string[]> {
  // The shim knows its own models, and judges prompts itself.
  const isAsked = file.generator.type === 'vllm' || file.generator.imageProcessor !== undefined;
  const takesPictures = file.queue.models.some(({ multimodalEnabled }) => multimodalEnabled);
  if (!isAsked || !takesPictures || (await loadImageProcessor(file)) !== null) return [];
  const says =
    file.generator.imageProcessor === undefined ? 'nothing tells' : 'the numbers make no sense together:';
  return [
    `generator.image_processor: ${says} how the model sizes pictures, so their tokens are not counted before they are queued`,
  ];
}

function taskWarnings({ queue, generator }: WorkerFile): string[] {
  const idle = queue.models.filter(
    ({ chat, completion, transcription, embedding, rerank }) =>
      !chat && !completion && !transcription && !embedding && !rerank,
  );
  const text = queue.models.filter(
    ({ multimodalEnabled, chat, completion }) => multimodalEnabled && !chat && !completion,
  );
  return [
    ...idle.map(
      ({ name }) => `queue.models.${JSON.stringify(name)} supports no task: nothing can be asked of it`,
    ),
    ...text.map(
      ({ name }) =>
        `queue.models.${JSON.stringify(name)}.multimodal_enabled has no effect without a chat or completion task`,
    ),
    ...(generator.type === 'vllm' && generator.urls.length === 0
      ? ['generator.url is missing: the adapter needs ADAPTER_ENGINE_URL']
      : []),
  ];
}

/** Throws a usage `Failure` when the file cannot be read. */
export async function checkWorkerFile(path: string): Promise<CheckedFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new Failure(exitCodes.usage, `${path} cannot be read: ${fileReason(cause)}.`, { cause });
  }
  try {
    const file = parseWorkerFile(text, path);
    const found = await Promise.all([pathWarnings(file), imageWarnings(file)]);
    const warnings = [...file.warnings, ...found.flat(), ...taskWarnings(file)];
    return { path, file, problems: await hostProblems(file), warnings };
  } catch (error) {
    if (!(error instanceof WorkerFileError)) throw error;
    return { path, file: undefined, problems: error.problems, warnings: error.warnings };
  }
}
