import type { SoundWindow } from '../../../audio/vad/speech-windows.js';
import type { LogMelSettings } from '../features/log-mel.js';
import type { Survey } from './recording.js';

export interface RecordingThreadSettings {
  readonly features: LogMelSettings;
  /** The system's ffmpeg; undefined: there is none. */
  readonly ffmpeg: string | undefined;
  readonly maxAudioS: number;
  /** Cut long recordings at silence. */
  readonly vad: boolean;
}

/**
 * One step with a recording: take in the file, survey it step by step, read windows in order, forget it. The caller numbers
 * the recordings and must forget each of them, also after a failed or aborted step. Steps of several may interleave, so
 * that an hour of speech does not hold up one sentence.
 */
export type RecordingStep =
  | { readonly step: 'open'; readonly recording: number; readonly audio: Uint8Array<ArrayBuffer> }
  | { readonly step: 'survey'; readonly recording: number }
  | {
      readonly step: 'read';
      readonly recording: number;
      readonly window: SoundWindow;
      /** End it at a quiet place. */
      readonly isCut: boolean;
    }
  | { readonly step: 'forget'; readonly recording: number };

/** `survey` gives the survey once it is complete, `read` features and what they are of. */
export interface RecordingStepAnswer {
  readonly survey?: Survey;
  readonly heard?: { readonly features: Float32Array<ArrayBuffer>; readonly window: SoundWindow };
}
