/** Sizes of a Whisper model. */
export interface WhisperSizes {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly melBins: number;
  /** Frames of features of one window; half as many places that the decoder looks at. */
  readonly frames: number;
  /** Tokens of prompt and text of one window. */
  readonly targetPositions: number;
  readonly vocabularySize: number;
}
