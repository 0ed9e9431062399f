import type { GenerationRequest } from '../generation-request.js';
import type { Tick } from '../scheduler.js';
import type { ThreadError } from './thread-error.js';

export type ToDecoderThread = { readonly generate: GenerationRequest } | { readonly cancel: number };

/** One scheduler turn, as plain data. */
export type FromDecoderThread = Omit<Tick, 'failures'> & {
  readonly failures: readonly { readonly id: number; readonly error: ThreadError }[];
};

/** What a decoder thread needs to start. */
export interface DecoderThreadSettings {
  readonly embedTokensFile: string;
  readonly decoderFile: string;
  readonly tokenizerFile: string;
  readonly executionProviders: readonly string[];
  readonly threads: number;
  readonly maxRunning: number;
}

export interface DecoderThreadFacts {
  readonly vocabularySize: number;
  readonly hiddenSize: number;
}
