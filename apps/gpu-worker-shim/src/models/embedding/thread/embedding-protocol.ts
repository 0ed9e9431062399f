import type { PoolingConfig } from '../folder/pooling-config.js';

export interface EmbeddingThreadSettings extends PoolingConfig {
  readonly graphFile: string;
  /** Has the tokenizer's files. */
  readonly folder: string;
  readonly executionProviders: readonly string[];
  /** Threads inside one ONNX Runtime session. */
  readonly threads: number;
  readonly maxModelLen: number;
  readonly vocabularySize: number;
  readonly padTokenId: number;
  readonly lowerCase: boolean;
}

export interface EmbeddingThreadFacts {
  /** Floats of a whole vector. */
  readonly dimensions: number;
  /** Characters of the longest token. */
  readonly longestToken: number;
  /** Tokens the model puts around a text. */
  readonly specialTokens: number;
  /**
   * False: what stands beside a text in a batch changes its vector, as in graphs that quantise their activations by the
   * range of a whole batch; then texts are computed one by one.
   */
  readonly isBatchInvariant: boolean;
}

/** A truncation whose side is settled. */
export interface Cut {
  readonly maxTokens: number;
  readonly side: 'left' | 'right';
}

/** The tokens of one text, and the length its vector is to have. */
export interface EmbeddingRow {
  readonly ids: Int32Array;
  readonly dimensions: number;
}

/** Texts become tokens, rows of tokens become vectors. Both in pieces, so that requests take turns. */
export type EmbeddingStep =
  | {
      readonly step: 'tokenise';
      readonly texts: readonly string[];
      readonly addSpecialTokens: boolean;
      readonly cut: Cut | undefined;
    }
  | { readonly step: 'encode'; readonly rows: readonly EmbeddingRow[] };

/** What the step was to give; the other list is empty. */
export interface EmbeddingStepAnswer {
  readonly ids: readonly Int32Array<ArrayBuffer>[];
  readonly vectors: readonly Float32Array<ArrayBuffer>[];
}
