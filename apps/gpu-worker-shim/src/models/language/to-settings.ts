import type { ModelRuntime } from '../model-family.js';
import type { LanguageFolder } from './language-folder.js';
import type { LanguageModelSettings } from './language-model.js';
import type { StartedDecoder } from './start-threads.js';

/** The settings of a chat model, from what its folder, its graph and the operator say. */
export function toSettings(
  id: string,
  folder: LanguageFolder,
  { facts, replicas }: Pick<StartedDecoder, 'facts' | 'replicas'>,
  { maxRunning, maxWaiting }: ModelRuntime,
): LanguageModelSettings {
  return {
    ...folder.generation,
    id,
    maxModelLen: Math.min(folder.maxModelLen, facts.kvCacheTokens),
    eosTokenIds: folder.eosTokenIds,
    vocabularySize: facts.vocabularySize,
    kvCacheTokens: facts.kvCacheTokens * replicas,
    maxRunning,
    maxWaiting,
  };
}
