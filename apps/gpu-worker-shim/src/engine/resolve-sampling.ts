import { randomBytes } from 'node:crypto';
import { FoveaError } from '@fovea/errors';
import type { ChatModelSampling } from '../models/chat-model.js';
import type { SequenceSettings } from './sequence.js';

/** What a model brings along: its context, its vocabulary, and the defaults of its `generation_config.json`. */
export interface SamplingDefaults {
  readonly maxModelLen: number;
  readonly vocabularySize: number;
  readonly eosTokenIds: readonly number[];
  readonly temperature?: number | null | undefined;
  readonly top_p?: number | null | undefined;
  readonly top_k?: number | null | undefined;
  readonly min_p?: number | null | undefined;
  readonly repetition_penalty?: number | null | undefined;
}

/** Throws `INVALID_REQUEST` for a token id that the model does not have. */
export function assertInVocabulary(ids: Iterable<number>, size: number, param: string): void {
  for (const id of ids) {
    if (id >= 0 && id < size) continue;
    throw new FoveaError('INVALID_REQUEST', {
      message: `token_id ${id} in ${param} is out of the vocabulary, which has ${size} entries.`,
      param,
    });
  }
}

/**
 * One set of settings per choice, as vLLM resolves them: the request wins over the model's own defaults, the budget
 * shrinks to what the context leaves, and choice i of a seeded request has seed + i.
 *
 * @throws FoveaError `INVALID_REQUEST` for a token id that the model does not have.
 */
export function resolveSampling(
  sampling: ChatModelSampling,
  choices: number,
  promptTokens: number,
  model: SamplingDefaults,
): SequenceSettings[] {
  const clientStopTokenIds = sampling.stopTokenIds ?? [];
  const logitBias = sampling.logitBias ?? new Map<number, number>();
  assertInVocabulary(clientStopTokenIds, model.vocabularySize, 'stop_token_ids');
  assertInVocabulary(logitBias.keys(), model.vocabularySize, 'logit_bias');
  const room = model.maxModelLen - promptTokens;
  const seed = BigInt(sampling.seed ?? randomBytes(8).readBigUInt64LE());
  const ignoreEos = sampling.ignoreEos ?? false;
  const settings = {
    temperature: sampling.temperature ?? model.temperature ?? 1,
    topP: sampling.topP ?? model.top_p ?? 1,
    topK: Math.max(0, sampling.topK ?? model.top_k ?? 0),
    minP: sampling.minP ?? model.min_p ?? 0,
    presencePenalty: sampling.presencePenalty ?? 0,
    frequencyPenalty: sampling.frequencyPenalty ?? 0,
    repetitionPenalty: sampling.repetitionPenalty ?? model.repetition_penalty ?? 1,
    logitBias,
    stopTokenIds: ignoreEos ? clientStopTokenIds : [...model.eosTokenIds, ...clientStopTokenIds],
    clientStopTokenIds,
    eosTokenIds: model.eosTokenIds,
    ignoreEos,
    minTokens: sampling.minTokens ?? 0,
    maxTokens: Math.min(room, sampling.maxTokens ?? room),
    stop: sampling.stop ?? [],
    includeStop: sampling.includeStopString ?? false,
    skipSpecialTokens: sampling.skipSpecialTokens ?? true,
    ...(sampling.topLogprobs !== undefined && { topLogprobs: sampling.topLogprobs }),
  };
  return Array.from({ length: choices }, (_, index) => ({ ...settings, seed: seed + BigInt(index) }));
}
