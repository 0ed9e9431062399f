import type { SoundWindow } from '../../../audio/vad/speech-windows.js';
import type { Survey } from '../../whisper/recording/recording.js';
import type { RecordingStep } from '../../whisper/recording/recording-protocol.js';

export interface SoundThreadSettings {
  /** The system's ffmpeg; undefined: there is none. */
  readonly ffmpeg: string | undefined;
  readonly maxAudioS: number;
  /** Cut long recordings at silence. */
  readonly vad: boolean;
}

/** In Hz; the models of US English hear this rate. */
export const SAMPLE_RATE = 16_000;
/** Loading the model costs a third of a second for each window; a short recording waits for one window at most. */
export const WINDOW_SAMPLES = 30 * SAMPLE_RATE;

/** The steps with one recording are those that Whisper's recordings go through. */
export type SoundStep = RecordingStep;

/** `survey` gives the survey once it is complete, `read` the sound and where it is from. */
export interface SoundStepAnswer {
  readonly survey?: Survey;
  readonly heard?: { readonly samples: Int16Array<ArrayBuffer>; readonly window: SoundWindow };
}
