import { PIECE_TOKENS } from '../engine/scheduling/prefill.js';
import type { DecoderThreadFacts } from '../engine/threads/decoder-protocol.js';
import { inMib } from './in-mib.js';
import type { MemoryLimit } from './memory-limit.js';

/** Bytes that a model may come to hold beside its weights when all its bounds are reached. */
export interface MemoryNeed {
  /** Keys and values of what runs. */
  readonly keysAndValues: number;
  /** One prompt of the longest kind while it is run, in each decoder. */
  readonly prompts: number;
  /** What is kept for later requests. */
  readonly caches: number;
}

export interface LanguageBounds {
  readonly maxModelLen: number;
  readonly maxRunning: number;
  /** Decoders side by side. */
  readonly replicas: number;
  readonly kvCacheBytes: number;
  readonly prefixCacheBytes: number;
  readonly imageCacheBytes: number;
}

/**
 * The keys and values before a piece, those that ONNX Runtime makes of them in an arena that grows by doubling, those
 * behind the piece, and some that are not collected yet. Measured was a little over four.
 */
const CACHES_OF_A_PROMPT = 5;
/** Pools move when they grow: the old one is there until the new one is. */
const POOLS_WHILE_GROWING = 2;
const BYTES_PER_LOGIT = 4;

/** What a language model may come to hold. No more is counted than its context and its sequences can fill. */
export function languageNeed(
  { bytesPerToken, vocabularySize }: Pick<DecoderThreadFacts, 'bytesPerToken' | 'vocabularySize'>,
  bounds: LanguageBounds,
): MemoryNeed {
  const context = bounds.maxModelLen * bytesPerToken;
  const logits = PIECE_TOKENS * vocabularySize * BYTES_PER_LOGIT;
  return {
    keysAndValues: POOLS_WHILE_GROWING * Math.min(bounds.kvCacheBytes, bounds.maxRunning * context),
    prompts: bounds.replicas * (CACHES_OF_A_PROMPT * context + logits),
    caches: bounds.prefixCacheBytes + bounds.imageCacheBytes,
  };
}

/** Undefined, or what the log says of models that may come to hold more than there is. */
export function memoryShortage(
  needs: readonly { readonly model: string; readonly need: MemoryNeed }[],
  residentBytes: number,
  limit: MemoryLimit,
): Record<string, unknown> | undefined {
  const sum = ({ keysAndValues, prompts, caches }: MemoryNeed) => keysAndValues + prompts + caches;
  const most = needs.reduce((total, { need }) => total + sum(need), residentBytes);
  if (most <= limit.bytes) return undefined;
  return {
    most: inMib(most),
    limit: inMib(limit.bytes),
    limitOf: limit.of,
    resident: inMib(residentBytes),
    models: needs.map(({ model, need }) => ({
      model,
      keysAndValues: inMib(need.keysAndValues),
      // The log hides what is called prompts.
      longestPrompts: inMib(need.prompts),
      caches: inMib(need.caches),
    })),
  };
}
