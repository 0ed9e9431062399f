import { setMaxListeners } from 'node:events';
import type { Logger } from '@fovea/observability';
import { findModelSources } from './config/model-sources.js';
import type { ShimConfig } from './config/shim-variables.js';
import { MediaFolder } from './http/media/media-folder.js';
import { ServedModels } from './http/served-models.js';
import { createShimServer } from './http/shim-server.js';
import { readMemoryLimit } from './memory/memory-limit.js';
import { memoryShortage } from './memory/memory-need.js';
import { embeddingFamily } from './models/embedding/embedding-family.js';
import { idefics3Family } from './models/idefics3/idefics3-family.js';
import { llamaFamily } from './models/llama/llama-family.js';
import type { ModelFamily, ModelRuntime, ModelSource, ServedModel } from './models/model-family.js';
import { ocrFamily } from './models/ocr/ocr-family.js';
import { POCKETSPHINX, startPocketSphinx } from './models/pocketsphinx/start-pocketsphinx.js';
import { ModelTokenizer } from './models/tokenizer/model-tokenizer.js';
import { whisperFamily } from './models/whisper/whisper-family.js';
import { createShimTelemetry } from './telemetry/shim-telemetry.js';

/** The families this server knows; the only place that names them. */
const families: readonly ModelFamily<ServedModel>[] = [
  idefics3Family,
  llamaFamily,
  ocrFamily,
  embeddingFamily,
  whisperFamily,
];

/** A running shim. */
export interface Shim {
  /** `http://127.0.0.1:8000` */
  readonly address: string;
  /** Stops accepting, lets running requests finish for at most `SHIM_DRAIN_S`, then ends the threads. */
  close(): Promise<void>;
}

async function loadModel(source: ModelSource, runtime: ModelRuntime): Promise<ServedModel> {
  const family = families.find(({ modelTypes }) => modelTypes.includes(source.modelType));
  if (family !== undefined) return family.load(source, runtime);
  const known = families.flatMap(({ modelTypes }) => modelTypes).join(', ');
  throw new Error(`${source.folder}/config.json: model_type "${source.modelType}" is not one of ${known}`);
}

const MIB = 2 ** 20;

interface Loaded {
  readonly models: ServedModel[];
  /** By the names of their models. */
  readonly tokenizers: Map<string, ModelTokenizer>;
}

/** PocketSphinx where it is there; throws only where it was asked for by its path. */
async function findSpeechProgram(
  setting: string,
  runtime: ModelRuntime,
  logger: Logger,
): Promise<ServedModel[]> {
  if (setting === 'off') return [];
  try {
    const model = await startPocketSphinx(setting, runtime);
    logger.info({ model: model.id }, 'model loaded');
    return [model];
  } catch (error) {
    if (setting !== 'auto') {
      throw new Error(`SHIM_POCKETSPHINX: ${error instanceof Error ? error.message : error}`);
    }
    logger.debug({ reason: String(error) }, 'no PocketSphinx');
    return [];
  }
}

/** Nothing is reserved, so a server may live well with less than all its bounds add up to: it is only told. */
async function warnOfShortage(models: readonly ServedModel[], logger: Logger): Promise<void> {
  const needs = models.flatMap(({ id: model, memoryNeed: need }) => (need ? [{ model, need }] : []));
  const shortage = memoryShortage(needs, process.memoryUsage.rss(), await readMemoryLimit());
  if (shortage !== undefined) logger.warn(shortage, 'memory may run out when all bounds are reached');
}

/** One model after the other, since loading takes all cores; those loaded are closed when a later one refuses. */
async function loadModels(config: ShimConfig, logger: Logger): Promise<Loaded> {
  const runtime: ModelRuntime = {
    executionProviders: config.SHIM_EXECUTION_PROVIDERS,
    threads: config.SHIM_THREADS,
    replicas: config.SHIM_DECODER_REPLICAS === 'auto' ? 'auto' : Number(config.SHIM_DECODER_REPLICAS),
    dtypes: config.SHIM_DTYPES,
    maxRunning: config.SHIM_MAX_NUM_SEQS,
    maxWaiting: config.SHIM_MAX_WAITING,
    kvCacheBytes: config.SHIM_KV_CACHE_MIB * MIB,
    prefixCacheBytes: config.SHIM_PREFIX_CACHE_MIB * MIB,
    imageCacheBytes: config.SHIM_IMAGE_CACHE_MIB * MIB,
    speech: {
      maxAudioS: config.SHIM_MAX_AUDIO_S,
      vad: config.SHIM_VAD,
      ffmpeg: config.SHIM_FFMPEG,
      retriesDoubtful: config.SHIM_SPEECH_FALLBACK,
    },
  };
  const models: ServedModel[] = [];
  const tokenizers = new Map<string, ModelTokenizer>();
  try {
    for (const source of await findModelSources(config.SHIM_MODELS)) {
      const startedAtMs = performance.now();
      models.push(await loadModel(source, runtime));
      const tokenizer = await ModelTokenizer.find(source.folder);
      if (tokenizer !== undefined) tokenizers.set(source.name, tokenizer);
      const loadMs = Math.round(performance.now() - startedAtMs);
      logger.info({ model: source.name, folder: source.folder, loadMs }, 'model loaded');
    }
    // A folder of that name is what the operator wants.
    if (!models.some(({ id }) => id === POCKETSPHINX)) {
      models.push(...(await findSpeechProgram(config.SHIM_POCKETSPHINX, runtime, logger)));
    }
    await warnOfShortage(models, logger);
    return { models, tokenizers };
  } catch (error) {
    await Promise.all(models.map((model) => model.close()));
    throw error;
  }
}

const MS_PER_S = 1000;

/** Loads the models and listens. Throws the reason when a model, a folder or the address cannot be used. */
export async function startShim(config: ShimConfig, logger: Logger, version: string): Promise<Shim> {
  const mediaPath = config.SHIM_ALLOWED_LOCAL_MEDIA_PATH;
  const mediaFolder = mediaPath === undefined ? undefined : await MediaFolder.find(mediaPath);
  const { models, tokenizers } = await loadModels(config, logger);
  const shutdown = new AbortController();
  // Every running request listens to it; Node would warn of a leak from the eleventh on.
  setMaxListeners(0, shutdown.signal);
  const server = createShimServer({
    models: new ServedModels(models, tokenizers),
    telemetry: createShimTelemetry(),
    logger,
    version,
    apiKey: config.SHIM_API_KEY,
    shutdown: shutdown.signal,
    mediaFolder,
  });
  const closeModels = () => Promise.all([...models, ...tokenizers.values()].map((one) => one.close()));
  try {
    const address = await server.listen({ host: config.SHIM_HOST, port: config.SHIM_PORT });
    return {
      address,
      async close() {
        const timer = setTimeout(() => {
          shutdown.abort(new Error('The server is shutting down.'));
        }, config.SHIM_DRAIN_S * MS_PER_S);
        await server.close();
        clearTimeout(timer);
        await closeModels();
      },
    };
  } catch (error) {
    await closeModels();
    throw error;
  }
}
