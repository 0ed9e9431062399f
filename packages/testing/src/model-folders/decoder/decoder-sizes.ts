/** Sizes of a Llama decoder, by the names of its `config.json` in camel case. */
export interface DecoderSizes {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly intermediateSize: number;
  readonly vocabularySize: number;
  /** `max_position_embeddings`: tokens of prompt and answer together. */
  readonly contextTokens: number;
}

/** Runs a step in well under a millisecond. */
export const tinyDecoder: DecoderSizes = {
  hiddenSize: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headSize: 16,
  intermediateSize: 128,
  vocabularySize: 448,
  contextTokens: 512,
};

/** SmolLM2-135M, the text half of SmolVLM-256M. */
export const sm135Decoder: DecoderSizes = {
  hiddenSize: 576,
  layers: 30,
  heads: 9,
  kvHeads: 3,
  headSize: 64,
  intermediateSize: 1536,
  vocabularySize: 49_152,
  contextTokens: 8192,
};
