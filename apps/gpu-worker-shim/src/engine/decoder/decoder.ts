/** Keys and values of the beginning of a sequence. It never changes, so sequences and caches can share it. */
export interface KvCache {
  /** Tokens it holds. */
  readonly length: number;
}

/** Tokens to be run, some of which stand for parts of an image. */
export interface TokenRun {
  readonly ids: readonly number[];
  /** Embeddings that take the place of those of the token at that index. */
  readonly replaced: readonly { readonly at: number; readonly embedding: Float32Array }[];
  /** Give the logits of every token, not only of the last one. */
  readonly wantsAllLogits?: boolean;
}

/** What a forward pass gives for one sequence. */
export interface DecoderResult<Cache extends KvCache> {
  readonly cache: Cache;
  /** Logits of the last token, one per vocabulary entry. */
  readonly logits: Float32Array;
  /** Where they were asked for: of all tokens of the run, one row after the other. */
  readonly allLogits?: Float32Array;
}

/** A sequence in decode steps: it grows with every step until it is released. */
export interface DecoderRow {
  /** Tokens whose keys and values it holds. */
  readonly length: number;
}

/** A row that takes one more token. */
export interface DecoderStep<Row extends DecoderRow> {
  readonly row: Row;
  readonly token: number;
  /** False: the id of the highest logit is enough. */
  readonly wantsLogits: boolean;
}

/** What a step says of the token behind a row: its logits, or the id of the highest one where no more was wanted. */
export type StepResult = Float32Array | number;

/**
 * A causal language model behind its graph. It knows nothing of requests: the scheduler decides what runs. Prompts run
 * one by one and give caches; a cache is joined to the rows, and rows step together. A row's result does not depend on
 * the other rows.
 *
 * Every method may throw, out of memory for one. A `step` that throws has left all its rows as they were.
 */
export abstract class Decoder<Cache extends KvCache, Row extends DecoderRow> {
  abstract readonly vocabularySize: number;
  /** Tokens that all rows together may hold. */
  abstract readonly kvCacheTokens: number;
  /** Bytes of keys and values of one token. */
  abstract readonly bytesPerToken: number;
  /** Runs tokens behind a cache (undefined: at the start of a sequence). */
  abstract extend(cache: Cache | undefined, run: TokenRun): Promise<DecoderResult<Cache>>;
  /** The first `length` tokens of a cache, in memory of its own. */
  abstract truncate(cache: Cache, length: number): Cache;
  /** What a row holds, in memory of its own. */
  abstract cacheOf(row: Row): Cache;
  /** Would rows of these lengths fit, each with room for one more token? */
  abstract fits(lengths: readonly number[]): boolean;
  /** Makes a row that goes on where a cache ends. The cache stays as it is. */
  abstract join(cache: Cache): Row;
  /** One token for each row; results in the order of the rows, valid until the next call. */
  abstract step(steps: readonly DecoderStep<Row>[]): Promise<StepResult[]>;
  /** Gives back what a row holds; once per row. */
  abstract release(row: Row): void;
  abstract close(): Promise<void>;
}
