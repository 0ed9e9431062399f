import type { SoundWindow } from '../../audio/vad/speech-windows.js';
import type { Survey } from './recording/recording.js';

/** A window that is to be heard next. */
export interface PlannedWindow {
  readonly window: SoundWindow;
  /** End it at a quiet place. */
  readonly isCut: boolean;
  /** Where the next window begins is known when this one is written. */
  readonly canSeek: boolean;
}

/** A window that is sought for begins at least so far behind the one before: a text that does not go on must not go on for ever. */
const MIN_SEEK_S = 1;

/**
 * Which windows of a recording are heard. Those of speech are known from the survey. Else they follow each other: each ends
 * at a quiet place, or, where times are told, the next begins where the last finished segment ended.
 */
export class WindowPlan {
  private index = 0;
  private from = 0;

  constructor(
    private readonly survey: Survey,
    private readonly windowSamples: number,
    private readonly sampleRate: number,
    private readonly timestamps: boolean,
  ) {}

  /** Undefined: there is none left. */
  next(): PlannedWindow | undefined {
    const { windows, samples } = this.survey;
    if (windows !== undefined) {
      const window = windows[this.index++];
      return window && { window, isCut: false, canSeek: false };
    }
    if (this.from >= samples) return undefined;
    const end = Math.min(samples, this.from + this.windowSamples);
    const window = [{ start: this.from, end }];
    const hasMore = end < samples;
    return { window, isCut: hasMore && !this.timestamps, canSeek: hasMore && this.timestamps };
  }

  /** Must be told of every window before the next one is asked for. */
  heard(window: SoundWindow, seekS: number | undefined): void {
    const end = window.at(-1)?.end ?? 0;
    const isUseful = seekS !== undefined && seekS >= MIN_SEEK_S;
    this.from = isUseful ? Math.min(end, this.from + Math.round(seekS * this.sampleRate)) : end;
  }
}
