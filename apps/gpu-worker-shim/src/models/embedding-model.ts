/**
 * What a model family must offer to answer embedding requests. The HTTP layer knows only this file: it has checked the
 * fields, and it writes the vectors in the form that was asked for.
 */

/** One text to embed: as text, or as token ids that are taken as they are. */
export type EmbeddingInput = string | readonly number[];

/** Cuts inputs that are too long instead of refusing them. */
export interface Truncation {
  /** Tokens to keep, special tokens included; at least as many as the model puts around a text. */
  readonly maxTokens: number;
  /** The side that is cut off; absent: the tokenizer's own. */
  readonly side?: 'left' | 'right';
}

export interface EmbeddingRequest {
  /** At least one. */
  readonly inputs: readonly EmbeddingInput[];
  /** Put the model's own tokens around texts. */
  readonly addSpecialTokens: boolean;
  /** Absent: what is over `maxModelLen` is refused. */
  readonly truncation?: Truncation;
  /** Length of each vector; absent: the model's own. */
  readonly dimensions?: number;
}

export interface EmbeddingAnswer {
  /** One per input, in their order, of one length. */
  readonly vectors: readonly Float32Array[];
  /** Of all inputs, special tokens included, padding not. */
  readonly promptTokens: number;
}

/** What a model is doing at this moment, for `/metrics`. */
export interface EmbeddingModelLoad {
  /** Texts in the batch that is being computed. */
  readonly running: number;
  /** Accepted requests that have nothing in it. */
  readonly waiting: number;
  readonly kvCacheUsage: 0;
}

/**
 * A loaded model that turns texts into vectors.
 *
 * `embed` rejects with a catalogue error (`INVALID_REQUEST`, `MISSING_CAPABILITY`, `CONTEXT_LENGTH_EXCEEDED`,
 * `QUEUE_FULL`); anything else is an `INTERNAL`. A vector depends on its own text alone, whatever else is asked at the
 * same time. An abort rejects with the signal's reason and frees what the request holds. The model owns its thread and
 * its queue and never blocks the caller's event loop.
 */
export interface EmbeddingModel {
  readonly id: string;
  /** Tokens of one input. */
  readonly maxModelLen: number;
  /** False once the thread died: requests are refused from then on and `/health` answers 503. */
  readonly isHealthy: boolean;
  load(): EmbeddingModelLoad;
  embed(request: EmbeddingRequest, signal: AbortSignal): Promise<EmbeddingAnswer>;
  /** Ends the thread. Running requests fail; drain before. */
  close(): Promise<void>;
}
