import type { EncodedSound } from '../decoder/window-rows.js';

export interface EncoderThreadSettings {
  readonly encoderFile: string;
  readonly melBins: number;
  /** Of one window. */
  readonly frames: number;
  readonly executionProviders: readonly string[];
  /** Threads inside one ONNX Runtime session. */
  readonly threads: number;
}

export interface EncoderThreadFacts {
  /** What a window of silence gives. */
  readonly silence: EncodedSound;
}
