import type { TranscriptionPiece } from '../../transcription-model.js';
import type { WhisperTokens } from '../decoding/whisper-tokens.js';
import type { LogMelSettings } from '../features/log-mel.js';

export interface WhisperThreadSettings {
  readonly encoderFile: string;
  readonly decoderFile: string;
  /** Has the tokenizer's files. */
  readonly folder: string;
  readonly tokens: WhisperTokens;
  readonly features: LogMelSettings;
  readonly maxModelLen: number;
  readonly executionProviders: readonly string[];
  /** Threads inside one ONNX Runtime session. */
  readonly threads: number;
  readonly maxAudioS: number;
}

/** What one transcription asks for. */
export interface WhisperTask {
  readonly language: string | undefined;
  readonly prompt: string;
  readonly timestamps: boolean;
  readonly maxTokens: number | undefined;
}

/**
 * One step of a transcription: take in the file, write some tokens, again and again, forget it. The caller numbers the
 * transcriptions and must forget each of them, also after a failed or aborted step. Steps of several may interleave, so that
 * an hour of speech does not hold up one sentence.
 */
export type WhisperStep =
  | {
      readonly step: 'open';
      readonly transcription: number;
      readonly audio: Uint8Array<ArrayBuffer>;
      readonly task: WhisperTask;
    }
  | { readonly step: 'write'; readonly transcription: number }
  | { readonly step: 'forget'; readonly transcription: number };

/** `open` and `forget` give nothing, `write` a piece; the last one has `isLast`. */
export interface WhisperStepAnswer {
  readonly piece?: TranscriptionPiece;
  readonly isLast: boolean;
}
