/**
 * What a model family must offer to answer transcription requests. The HTTP layer knows only this file: it has parsed the
 * form and checked its fields, and it turns pieces into chunks or one answer.
 */

export interface TranscriptionRequest {
  /** The file as the client sent it; the memory below it is handed over and cannot be read after. */
  readonly audio: Uint8Array<ArrayBuffer>;
  /** Code of ISO 639; absent: it is found out from the first window. */
  readonly language?: string;
  /** Text that is taken as what was said before; may be empty. */
  readonly prompt: string;
  /** Split the text into segments with times. */
  readonly timestamps: boolean;
  /** Of each window; lowered to the room that the model's context leaves. */
  readonly maxTokens?: number;
  readonly sampling: TranscriptionSampling;
  /**
   * Write windows of doubtful text again at higher temperatures. Their text then comes when they end; else as it is
   * written.
   */
  readonly retriesDoubtful: boolean;
}

/** How tokens are drawn. Absent: without effect. */
export interface TranscriptionSampling {
  /** 0: the likeliest token each time. */
  readonly temperature: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly repetitionPenalty?: number;
  /** Absent: 0, so that the same request has the same answer. */
  readonly seed?: number;
}

/** A stretch of speech. Times are in seconds from the beginning of the file. */
export interface TranscriptionSegment {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly tokens: readonly number[];
  /** Mean natural logarithm of the tokens' probabilities. */
  readonly avgLogprob: number;
  /** Bytes of the text for one byte of it compressed: more than 2.4 tells of repetition. */
  readonly compressionRatio: number;
  /** Probability that nobody speaks in the window; absent: the model does not tell. */
  readonly noSpeechProb?: number;
  /** That its tokens were drawn with. */
  readonly temperature: number;
  /** Where its window begins, in seconds. */
  readonly windowStart: number;
}

/** A piece of the answer. */
export interface TranscriptionPiece {
  /** May be empty. */
  readonly text: string;
  /** Tokens in it. */
  readonly tokens: number;
  /** Tokens of the window's prompt, in the first piece of a window; else 0. */
  readonly promptTokens: number;
  /** What was given, or found out. */
  readonly language: string;
  /** Of the whole file. */
  readonly durationS: number;
  /** In the last piece of a window; the segments only where times were asked for. */
  readonly windowEnd?: {
    readonly finishReason: 'stop' | 'length';
    readonly segments: readonly TranscriptionSegment[];
  };
}

/** What a model is doing at this moment, for `/metrics`. */
export interface TranscriptionModelLoad {
  readonly running: number;
  readonly waiting: number;
  /** Share of the places of windows that are taken. */
  readonly kvCacheUsage: number;
  /** It keeps nothing between requests. */
  readonly caches?: never;
}

/**
 * A loaded model that writes down speech.
 *
 * `transcribe` may refuse at the first pull by throwing a catalogue error (`INVALID_REQUEST`, `INVALID_AUDIO`,
 * `QUEUE_FULL`); anything else that it throws is an `INTERNAL`. It yields at least one piece. An abort of `signal`, or
 * leaving the loop, frees what the request holds. The model owns its thread and its queue and never blocks the caller's
 * event loop.
 */
export interface TranscriptionModel {
  readonly id: string;
  /** Tokens of prompt and text of one window. */
  readonly maxModelLen: number;
  /** False once the thread died: requests are refused from then on and `/health` answers 503. */
  readonly isHealthy: boolean;
  load(): TranscriptionModelLoad;
  transcribe(request: TranscriptionRequest, signal: AbortSignal): AsyncIterable<TranscriptionPiece>;
  /** Ends the thread. Running requests fail; drain before. */
  close(): Promise<void>;
}
