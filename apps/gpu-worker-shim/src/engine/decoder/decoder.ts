/** Keys and values of one sequence. A step gives a new one and leaves the old as it is, so choices can share a prefix. */
export interface KvCache {
  /** Tokens it holds. */
  readonly length: number;
}

/** What a forward pass gives for one sequence. */
export interface DecoderResult<Cache extends KvCache> {
  readonly cache: Cache;
  /** Logits of the last token, one per vocabulary entry. */
  readonly logits: Float32Array;
}

/** A sequence that takes one more token. */
export interface DecoderRow<Cache extends KvCache> {
  readonly cache: Cache;
  readonly token: number;
}

/**
 * A causal language model behind its graph. It knows nothing of requests: the scheduler decides what runs, and a
 * `step` may run its rows together or one after the other. A row's result does not depend on the other rows.
 */
export abstract class Decoder<Cache extends KvCache> {
  abstract readonly vocabularySize: number;
  /** Floats of one embedding. */
  abstract readonly hiddenSize: number;
  /** Embeddings of tokens, one after the other: `ids.length × hiddenSize` floats. */
  abstract embed(ids: readonly number[]): Promise<Float32Array>;
  /** Runs embeddings behind a cache (undefined: at the start of a sequence). */
  abstract extend(cache: Cache | undefined, embeddings: Float32Array): Promise<DecoderResult<Cache>>;
  /** One token for each row; results in the order of the rows. */
  abstract step(rows: readonly DecoderRow<Cache>[]): Promise<DecoderResult<Cache>[]>;
  abstract close(): Promise<void>;
}
