import type { Idefics3ImageSettings } from '@fovea/image-preprocessing';
import { CallThread } from '../../engine/threads/call-thread.js';
import type { DecoderThreadFacts } from '../../engine/threads/decoder-protocol.js';
import { LanguageModel } from '../language/language-model.js';
import { PromptTokens } from '../language/prompt-tokens.js';
import type { EncodedPrompt } from '../language/raw-prompt.js';
import type { PromptCall, PromptThreadFacts } from '../language/serve-prompts.js';
import { startDecoder, startTogether } from '../language/start-threads.js';
import { toSettings } from '../language/to-settings.js';
import type { ModelFamily, ModelRuntime, ModelSource } from '../model-family.js';
import { type Idefics3Folder, readIdefics3Folder } from './idefics3-folder.js';
import { Idefics3Prompts } from './idefics3-prompts.js';
import type { PromptRequest } from './prompt/idefics3-prompt.js';
import type {
  PromptThreadSettings,
  VisionRequest,
  VisionThreadFacts,
  VisionThreadSettings,
} from './thread-settings.js';

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

const startPrompts = (folder: Idefics3Folder) =>
  CallThread.start<PromptCall<PromptRequest>, EncodedPrompt, PromptThreadFacts>(
    'models/idefics3/prompt-entry.js',
    promptSettings(folder),
  );

function startThreads(folder: Idefics3Folder, runtime: ModelRuntime) {
  const { embedTokens: embedTokensFile, decoder: decoderFile } = folder.files;
  return startTogether({
    prompt: startPrompts(folder),
    vision: CallThread.start<VisionRequest, Float32Array<ArrayBuffer>, VisionThreadFacts>(
      'models/idefics3/vision-entry.js',
      visionSettings(folder, runtime),
    ),
    decoder: startDecoder(folder, { embedTokensFile, decoderFile }, runtime),
  });
}

/** Why graphs that run each alone do not go together. */
function contradiction(
  path: string,
  { files, imageTokenId }: Idefics3Folder,
  vision: VisionThreadFacts,
  { hiddenSize, inputIds }: DecoderThreadFacts,
): string | undefined {
  if (vision.hiddenSize !== hiddenSize) {
    return `${files.vision}: embeddings have ${vision.hiddenSize} floats, the decoder takes ${hiddenSize ?? 'none'}`;
  }
  if (imageTokenId < inputIds) return undefined;
  return `${path}/config.json: image_token_id ${imageTokenId} is not one of the graph's ${inputIds} tokens`;
}

async function load(source: ModelSource, runtime: ModelRuntime): Promise<LanguageModel> {
  const folder = await readIdefics3Folder(source.folder, runtime.dtypes);
  const { prompt, vision, decoder } = await startThreads(folder, runtime);
  const settings = toSettings(source.name, folder, decoder, runtime, runtime.imageCacheBytes);
  const limits = {
    ...prompt.facts,
    maxModelLen: settings.maxModelLen,
    leastImageTokens: folder.tokensPerTile,
  };
  const tokens = new PromptTokens(prompt.thread, limits, () => startPrompts(folder));
  const { imageTokenId, tokensPerTile, preprocessor } = folder;
  const image: Idefics3ImageSettings = {
    longestEdge: preprocessor.size.longest_edge,
    tileEdge: preprocessor.max_image_size.longest_edge,
    doImageSplitting: preprocessor.do_image_splitting,
    resample: preprocessor.resample,
  };
  const { imageCacheBytes } = runtime;
  const prompts = new Idefics3Prompts(
    { image, imageTokenId, tokensPerTile, imageCacheBytes },
    tokens,
    vision.thread,
  );
  const model = new LanguageModel(settings, prompts, decoder.thread);
  const problem = contradiction(source.folder, folder, vision.facts, decoder.facts);
  if (problem === undefined) return model;
  await model.close();
  throw new Error(problem);
}

/** Idefics3, SmolVLM and SmolVLM2 in the onnx-community layout. */
export const idefics3Family: ModelFamily = { modelTypes: ['idefics3', 'smolvlm'], load };
