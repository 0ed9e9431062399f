import type { SequenceSettings } from './sequence.js';

/** An image of a prompt, as caches know it. */
export interface PromptImage {
  /** Of its bytes and of how they are processed: equal digests mean equal embeddings. */
  readonly digest: string;
  /** How many image tokens of the prompt are its. */
  readonly tokens: number;
}

/** A prompt as the decoder takes it. */
export interface Prompt {
  readonly ids: Int32Array;
  /** The id whose embeddings are replaced, in order, by `features`. */
  readonly imageTokenId: number;
  /** One embedding for each image token, all images after each other. */
  readonly features: Float32Array;
  /** In the order of their tokens. */
  readonly images: readonly PromptImage[];
}

/** A request that is ready to run: tokens and image features, no pixels, no text. Plain data: it changes threads. */
export interface GenerationRequest {
  readonly id: number;
  readonly prompt: Prompt;
  /** One entry per choice; they share the prompt. */
  readonly choices: readonly SequenceSettings[];
  /** Lower runs first; absent: 0. Equal ones run in the order they came. */
  readonly priority?: number;
  /** Prompts share cached keys and values only with those of the same salt. */
  readonly cacheSalt?: string;
  /** How many alternatives to each of the prompt's own tokens; absent: nothing is said of them. */
  readonly promptLogprobs?: number;
  /** The beginning of the answer, generated elsewhere. It is neither sampled nor given out again. One choice only. */
  readonly answerIds?: readonly number[];
}
