import { languageNeed } from '../../memory/memory-need.js';
import type { ModelRuntime } from '../model-family.js';
import type { LanguageFolder } from './language-folder.js';
import type { LanguageModelSettings } from './language-model.js';
import type { StartedDecoder } from './start-threads.js';

/**
 * The settings of a chat model, from what its folder, its graph and the operator say.
 * @param imageCacheBytes 0 for a model without eyes
 */
export function toSettings(
  id: string,
  folder: LanguageFolder,
  { facts, replicas }: Pick<StartedDecoder, 'facts' | 'replicas'>,
  { maxRunning, maxWaiting, kvCacheBytes, prefixCacheBytes }: ModelRuntime,
  imageCacheBytes = 0,
): LanguageModelSettings {
  const maxModelLen = Math.min(folder.maxModelLen, facts.kvCacheTokens);
  const bounds = { maxModelLen, maxRunning, replicas, kvCacheBytes, prefixCacheBytes, imageCacheBytes };
  return {
    ...folder.generation,
    id,
    maxModelLen,
    eosTokenIds: folder.eosTokenIds,
    vocabularySize: facts.vocabularySize,
    inputIds: facts.inputIds,
    kvCacheTokens: facts.kvCacheTokens * replicas,
    maxRunning,
    maxWaiting,
    memoryNeed: languageNeed(facts, bounds),
  };
}
