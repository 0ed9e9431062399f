import type { GenerationRequest } from '../generation-request.js';
import type { SchedulerSettings, Tick } from '../scheduling/scheduler.js';
import type { ThreadError } from './thread-error.js';

export type ToDecoderThread = { readonly generate: GenerationRequest } | { readonly cancel: number };

/** One scheduler turn, as plain data. */
export type FromDecoderThread = Omit<Tick, 'failures'> & {
  readonly failures: readonly { readonly id: number; readonly error: ThreadError }[];
};

/** What a decoder thread needs to start. */
export interface DecoderThreadSettings extends SchedulerSettings {
  /** Absent where the decoder looks embeddings up itself. */
  readonly embedTokensFile?: string;
  readonly decoderFile: string;
  readonly tokenizerFile: string;
  readonly executionProviders: readonly string[];
  readonly threads: number;
  /** For keys and values of running sequences. */
  readonly kvCacheBytes: number;
}

export interface DecoderThreadFacts {
  /** Logits of a token. */
  readonly vocabularySize: number;
  /** Prompts may have the ids below it; no fewer than `vocabularySize`. */
  readonly inputIds: number;
  /** Floats of an embedding; undefined where the decoder looks embeddings up itself. */
  readonly hiddenSize: number | undefined;
  /** Tokens whose keys and values can be held at the same time; no sequence can be longer. */
  readonly kvCacheTokens: number;
  /** Bytes of keys and values of one token. */
  readonly bytesPerToken: number;
  /** False: sequences step one after the other, and why. */
  readonly batching: true | string;
}
