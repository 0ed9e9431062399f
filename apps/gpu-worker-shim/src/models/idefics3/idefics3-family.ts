import type { Idefics3ImageSettings } from '@fovea/image-preprocessing';
import { CallThread } from '../../engine/threads/call-thread.js';
import type { DecoderThreadFacts } from '../../engine/threads/decoder-protocol.js';
import { DecoderThread } from '../../engine/threads/decoder-thread.js';
import type { PromptThreadFacts } from '../language/serve-prompts.js';
import type { ModelFamily, ModelRuntime, ModelSource } from '../model-family.js';
import { type Idefics3Folder, readIdefics3Folder } from './idefics3-folder.js';
import { Idefics3Model, type Idefics3Threads } from './idefics3-model.js';
import type { PromptRequest } from './prompt/idefics3-prompt.js';
import type {
  PromptThreadSettings,
  VisionRequest,
  VisionThreadFacts,
  VisionThreadSettings,
} from './thread-settings.js';

interface StartedThreads {
  readonly threads: Idefics3Threads;
  readonly prompt: PromptThreadFacts;
  readonly vision: VisionThreadFacts;
  readonly decoder: DecoderThreadFacts;
}

function promptSettings(folder: Idefics3Folder): PromptThreadSettings {
  return {
    tokenizerFile: folder.tokenizerFile,
    tokenizerConfigFile: folder.tokenizerConfigFile,
    chatTemplate: folder.chatTemplate,
    imageTokenId: folder.imageTokenId,
    tokensPerTile: folder.tokensPerTile,
  };
}

function visionSettings(folder: Idefics3Folder, runtime: ModelRuntime): VisionThreadSettings {
  const { preprocessor } = folder;
  return {
    visionFile: folder.files.vision,
    executionProviders: runtime.executionProviders,
    threads: runtime.threads,
    tileEdge: preprocessor.max_image_size.longest_edge,
    tokensPerTile: folder.tokensPerTile,
    normalisation: {
      rescaleFactor: preprocessor.do_rescale ? preprocessor.rescale_factor : 1,
      mean: preprocessor.do_normalize ? preprocessor.image_mean : [0, 0, 0],
      std: preprocessor.do_normalize ? preprocessor.image_std : [1, 1, 1],
    },
  };
}

/** Starts all three; when one refuses, the others are closed before the reason is thrown. */
async function startThreads(folder: Idefics3Folder, runtime: ModelRuntime): Promise<StartedThreads> {
  const [prompt, vision, decoder] = await Promise.allSettled([
    CallThread.start<PromptRequest, Int32Array<ArrayBuffer>, PromptThreadFacts>(
      'models/idefics3/prompt-entry.js',
      promptSettings(folder),
    ),
    CallThread.start<VisionRequest, Float32Array<ArrayBuffer>, VisionThreadFacts>(
      'models/idefics3/vision-entry.js',
      visionSettings(folder, runtime),
    ),
    DecoderThread.start({
      embedTokensFile: folder.files.embedTokens,
      decoderFile: folder.files.decoder,
      tokenizerFile: folder.tokenizerFile,
      executionProviders: runtime.executionProviders,
      threads: runtime.threads,
      maxRunning: runtime.maxRunning,
      kvCacheBytes: runtime.kvCacheBytes,
      prefixCacheBytes: runtime.prefixCacheBytes,
    }),
  ]);
  if (prompt.status === 'fulfilled' && vision.status === 'fulfilled' && decoder.status === 'fulfilled') {
    return {
      threads: { prompt: prompt.value.thread, vision: vision.value.thread, decoder: decoder.value.thread },
      prompt: prompt.value.facts,
      vision: vision.value.facts,
      decoder: decoder.value.facts,
    };
  }
  const all = [prompt, vision, decoder];
  await Promise.all(all.map((one) => (one.status === 'fulfilled' ? one.value.thread.close() : undefined)));
  throw all.find((one) => one.status === 'rejected')?.reason;
}

async function load(source: ModelSource, runtime: ModelRuntime): Promise<Idefics3Model> {
  const folder = await readIdefics3Folder(source.folder, runtime.dtypes);
  const { threads, prompt, vision, decoder } = await startThreads(folder, runtime);
  const image: Idefics3ImageSettings = {
    longestEdge: folder.preprocessor.size.longest_edge,
    tileEdge: folder.preprocessor.max_image_size.longest_edge,
    doImageSplitting: folder.preprocessor.do_image_splitting,
    resample: folder.preprocessor.resample,
  };
  const maxModelLen = Math.min(folder.maxModelLen, decoder.kvCacheTokens);
  const model = new Idefics3Model(
    {
      ...folder.generation,
      id: source.name,
      image,
      imageTokenId: folder.imageTokenId,
      tokensPerTile: folder.tokensPerTile,
      maxModelLen,
      kvCacheTokens: decoder.kvCacheTokens,
      imageCacheBytes: runtime.imageCacheBytes,
      eosTokenIds: folder.eosTokenIds,
      vocabularySize: decoder.vocabularySize,
      maxTextCharacters: maxModelLen * prompt.longestTokenBytes,
      maxRunning: runtime.maxRunning,
      maxWaiting: runtime.maxWaiting,
    },
    threads,
  );
  if (vision.hiddenSize === decoder.hiddenSize) return model;
  await model.close();
  throw new Error(
    `${folder.files.vision}: embeddings have ${vision.hiddenSize} floats, the decoder takes ${decoder.hiddenSize ?? 'none'}`,
  );
}

/** Idefics3, SmolVLM and SmolVLM2 in the onnx-community layout. */
export const idefics3Family: ModelFamily = { modelTypes: ['idefics3', 'smolvlm'], load };
