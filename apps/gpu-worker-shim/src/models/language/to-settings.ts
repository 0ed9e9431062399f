import type { DecoderThreadFacts } from '../../engine/threads/decoder-protocol.js';
import type { ModelRuntime } from '../model-family.js';
import type { LanguageFolder } from './language-folder.js';
import type { LanguageModelSettings } from './language-model.js';

/** The settings of a chat model, from what its folder, its graph and the operator say. */
export function toSettings(
  id: string,
  folder: LanguageFolder,
  decoder: DecoderThreadFacts,
  { maxRunning, maxWaiting }: ModelRuntime,
): LanguageModelSettings {
  return {
    ...folder.generation,
    id,
    maxModelLen: Math.min(folder.maxModelLen, decoder.kvCacheTokens),
    eosTokenIds: folder.eosTokenIds,
    vocabularySize: decoder.vocabularySize,
    kvCacheTokens: decoder.kvCacheTokens,
    maxRunning,
    maxWaiting,
  };
}
