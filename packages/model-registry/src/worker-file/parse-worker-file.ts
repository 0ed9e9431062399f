import { dirname, resolve } from 'node:path';
import type { Capabilities, GeneratorType, Model } from '@fovea/schemas/model-package';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { type ImageProcessorSettings, toImageProcessorSettings } from './image-processor-table.js';
import { type FindPosition, keyPositions, positionText } from './key-positions.js';
import { pathText, toProblems, unknownKeys } from './toml-problems.js';
import { WorkerFileError } from './worker-file-error.js';
import { type modelTableSchema, workerFileSchema } from './worker-file-schema.js';

export interface WorkerFile {
  readonly generator: {
    readonly type: GeneratorType;
    /** Engines without trailing slash; empty when the file names none. */
    readonly urls: readonly string[];
    /** Absolute; a relative path in the file counts from the file's folder. */
    readonly modelPath?: string;
    /** The blob folder as the engine sees it. */
    readonly mediaPath?: string;
    /** Absolute; a relative path in the file counts from the file's folder. */
    readonly apiKeyFile?: string;
    readonly maxModelLen?: number;
    readonly maxNumSeqs?: number;
    /** Tokens that the jobs on one engine may keep in its cache. */
    readonly tokenBudget?: number;
    /** Send a salt per tenant, so that prefix caches stay apart. */
    readonly cacheSalt: boolean;
    /** Send our own cache key with each image. */
    readonly imageUuid: boolean;
    /** Goes before what the files under `modelPath` say. */
    readonly imageProcessor?: ImageProcessorSettings;
  };
  readonly queue: {
    /** Only a `redis(s)://` address. */
    readonly url?: string;
    readonly checkpointName: string;
    readonly version: number;
    readonly tags: readonly string[];
    readonly waitForWorkerS: number;
    /** Set only when the file lists them itself. */
    readonly extensions?: readonly string[];
    readonly capabilities: Capabilities;
    /** By name. */
    readonly models: readonly Model[];
  };
  readonly monitoring: { readonly metricsPort: number };
  /** What was ignored and why; for the log. */
  readonly warnings: readonly string[];
}

const MAX_FILE_CHARACTERS = 1_048_576;
const MAX_DEPTH = 16;

function parseToml(text: string, path: string): unknown {
  if (text.length > MAX_FILE_CHARACTERS) {
    const expected = `at most ${MAX_FILE_CHARACTERS} characters`;
    throw new WorkerFileError(path, [{ where: 'the file', found: `${text.length} characters`, expected }]);
  }
  try {
    return parse(text, { maxDepth: MAX_DEPTH, unsafeKeyBehaviour: 'throw' });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const { line, column } = error;
    const where = 'the file';
    // The message goes on with an excerpt of the file, which may hold a token.
    const reason = error.message.split('\n', 1)[0]?.replace('Invalid TOML document: ', '');
    const found = reason ?? 'a syntax error';
    throw new WorkerFileError(path, [{ where, position: { line, column }, found, expected: 'TOML' }]);
  }
}

const isRedisUrl = (url: string): boolean => /^rediss?:\/\//i.test(url) && URL.canParse(url);

const keyText = (path: readonly PropertyKey[], find: FindPosition): string =>
  `${pathText(path)}${positionText(find(path))}`;

const unknownWarnings = (content: unknown, find: FindPosition): string[] =>
  unknownKeys(workerFileSchema, content).map((path) => `${keyText(path, find)} is unknown and ignored`);

function queueWarnings(queue: { url?: string | undefined; token?: unknown }, find: FindPosition): string[] {
  const warnings: string[] = [];
  if (queue.token !== undefined)
    warnings.push(`${keyText(['queue', 'token'], find)} is ignored: workers need none`);
  if (queue.url !== undefined && !isRedisUrl(queue.url)) {
    const why = 'it is not a redis(s):// address, REDIS_URL counts';
    warnings.push(`${keyText(['queue', 'url'], find)} is ignored: ${why}`);
  }
  return warnings;
}

function toPrefixes(table: z.infer<typeof modelTableSchema>['embedding_task']): Model['embeddingPrefixes'] {
  const { symmetric_prefix: symmetric, document_prefix: document, query_prefix: query } = table;
  return symmetric + document + query === '' ? null : { symmetric, document, query };
}

const hasLanguageModel = (type: GeneratorType): boolean => type === 'vllm' || type === 'luminous';

function toModel(name: string, table: z.infer<typeof modelTableSchema>, type: GeneratorType): Model {
  return {
    name,
    description: table.description,
    multimodalEnabled: table.multimodal_enabled,
    chat: table.chat_task.supported,
    completion:
      table.completion_task.supported ??
      (type === 'luminous' || (type === 'vllm' && table.chat_task.supported)),
    transcription: table.transcription_task.supported ?? type === 'transcription',
    embedding: table.embedding_task.supported,
    embeddingPrefixes: toPrefixes(table.embedding_task),
    rerank: table.rerank_task.supported,
    maximumCompletionTokens: table.maximum_completion_tokens ?? null,
    aligned: table.aligned,
    promptTemplate: table.prompt_template,
    modelCard: table.model_card ?? null,
  };
}

function listOf(urls: string | readonly string[] | undefined): readonly string[] {
  if (urls === undefined) return [];
  return typeof urls === 'string' ? [urls] : urls;
}

/** `{ [name]: value }`, or nothing for undefined: optional properties are absent, never undefined. */
const optional = <K extends string, T>(name: K, value: T | undefined): { [P in K]?: T } =>
  (value === undefined ? {} : { [name]: value }) as { [P in K]?: T };

type FileContent = z.infer<typeof workerFileSchema>;

function toGenerator(generator: FileContent['generator'], path: string): WorkerFile['generator'] {
  const besideFile = (file: string | undefined): string | undefined =>
    file === undefined ? undefined : resolve(dirname(path), file);
  return {
    type: generator.type,
    cacheSalt: generator.cache_salt ?? generator.type === 'vllm',
    imageUuid: generator.image_uuid ?? generator.type === 'vllm',
    urls: listOf(generator.url),
    ...optional('modelPath', besideFile(generator.model_path)),
    ...optional('mediaPath', generator.media_path),
    ...optional('apiKeyFile', besideFile(generator.api_key_file)),
    ...optional('maxModelLen', generator.max_model_len),
    ...optional('maxNumSeqs', generator.max_num_seqs),
    ...optional('tokenBudget', generator.token_budget),
    ...optional(
      'imageProcessor',
      generator.image_processor && toImageProcessorSettings(generator.image_processor),
    ),
  };
}

function toQueue({ queue, generator }: FileContent): WorkerFile['queue'] {
  const { type } = generator;
  const models = Object.entries(queue.models).map(([name, table]) => toModel(name, table, type));
  return {
    ...optional('url', queue.url !== undefined && isRedisUrl(queue.url) ? queue.url : undefined),
    checkpointName: queue.checkpoint_name,
    version: queue.version,
    tags: queue.tags,
    waitForWorkerS: queue.wait_for_worker_s,
    ...optional('extensions', queue.extensions),
    capabilities: {
      tools: queue.tools,
      structuredOutput: generator.structured_output.supported_types,
      reasoning: queue.reasoning,
      tokenizer: queue.tokenizer ?? hasLanguageModel(type),
    },
    models: models.sort((left, right) => (left.name < right.name ? -1 : 1)),
  };
}

/**
 * Parses a worker's TOML file (DESIGN D1). `path` is for messages and for relative paths in the file. Known keys are
 * checked strictly, unknown ones become warnings. Throws `WorkerFileError` with every problem at once.
 */
export function parseWorkerFile(text: string, path: string): WorkerFile {
  const content = parseToml(text, path);
  const find = keyPositions(text);
  const parsed = workerFileSchema.safeParse(content);
  const unknown = unknownWarnings(content, find);
  if (!parsed.success) throw new WorkerFileError(path, toProblems(parsed.error, content, find), unknown);
  const { generator, queue, monitoring } = parsed.data;
  return {
    generator: toGenerator(generator, path),
    queue: toQueue(parsed.data),
    monitoring: { metricsPort: monitoring.metrics_port },
    warnings: [...unknown, ...queueWarnings(queue, find)],
  };
}
