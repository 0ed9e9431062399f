import type { SequenceSettings } from './sequence.js';

/** A prompt as the decoder takes it. */
export interface Prompt {
  readonly ids: Int32Array;
  /** The id whose embeddings are replaced, in order, by `features`. */
  readonly imageTokenId: number;
  /** One embedding for each image token, all images after each other. */
  readonly features: Float32Array;
}

/** A request that is ready to run: tokens and image features, no pixels, no text. Plain data: it changes threads. */
export interface GenerationRequest {
  readonly id: number;
  readonly prompt: Prompt;
  /** One entry per choice; they share the prompt. */
  readonly choices: readonly SequenceSettings[];
}
