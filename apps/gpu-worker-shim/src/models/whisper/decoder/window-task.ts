import type { TranscriptionSampling } from '../../transcription-model.js';
import type { WindowSegment } from '../decoding/segments.js';
import type { EncodedSound } from './window-rows.js';

/** A window that is to be written. Plain data: it changes threads. */
export interface WindowTask {
  readonly id: number;
  readonly sound: EncodedSound;
  /** Of the sound in the window, in seconds. */
  readonly durationS: number;
  /** Code; undefined: it is found out. */
  readonly language: string | undefined;
  /** Text that is taken as what was said before; may be empty. */
  readonly prompt: string;
  readonly timestamps: boolean;
  readonly maxTokens: number | undefined;
  readonly sampling: TranscriptionSampling;
  readonly retriesDoubtful: boolean;
  /** Sound follows that can be heard from any place on: an unfinished segment is left to the next window. */
  readonly canSeek: boolean;
}

/** What is known of a window once it is written. */
export interface WindowEnd {
  readonly finishReason: 'stop' | 'length';
  /** Only where times were asked for. */
  readonly segments: readonly WindowSegment[];
  /** Where the next window should begin, in seconds from the beginning of this one; undefined: behind it. */
  readonly seekS: number | undefined;
}

/** What became known of a window: first how it begins, at once; then text; the last one has `end`. */
export interface WindowPiece {
  readonly text: string;
  /** Tokens in it. */
  readonly tokens: number;
  /** In the first piece, which has no text; else 0. */
  readonly promptTokens: number;
  readonly language: string | undefined;
  readonly end?: WindowEnd;
}
