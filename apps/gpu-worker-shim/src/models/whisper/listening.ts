import { setMaxListeners } from 'node:events';
import { placeInRecording, type SoundWindow } from '../../audio/vad/speech-windows.js';
import type { Calls } from '../../engine/threads/call-thread.js';
import { Mailbox } from '../../engine/threads/mailbox.js';
import type {
  TranscriptionPiece,
  TranscriptionRequest,
  TranscriptionSegment,
} from '../transcription-model.js';
import type { EncodedSound } from './decoder/window-rows.js';
import type { WindowPiece } from './decoder/window-task.js';
import type { WindowThread } from './decoder/window-thread.js';
import type { WindowSegment } from './decoding/segments.js';
import type { Survey } from './recording/recording.js';
import type { RecordingStep, RecordingStepAnswer } from './recording/recording-protocol.js';
import { type PlannedWindow, WindowPlan } from './window-plan.js';

/** The threads that hear: files to features, features to the encoder's view, and that to text. */
export interface ListeningThreads {
  readonly recordings: Calls<RecordingStep, RecordingStepAnswer>;
  readonly encoder: Calls<Float32Array<ArrayBuffer>, EncodedSound>;
  readonly decoder: Pick<WindowThread, 'write' | 'load' | 'isHealthy' | 'close'>;
}

export interface ListeningSettings {
  readonly sampleRate: number;
  readonly windowSamples: number;
}

/** A window on its way to text. */
interface HeardWindow {
  readonly window: SoundWindow;
  readonly pieces: Mailbox<WindowPiece>;
  /** Resolves with the first piece, which tells the language; undefined when it fails before. */
  readonly opening: Promise<WindowPiece | undefined>;
  /** Resolves with the last piece; undefined when it fails. */
  readonly ended: Promise<WindowPiece | undefined>;
}

/** How one recording becomes text: windows go through the threads side by side, and their text comes out in order. */
export class Listening {
  private readonly stop = new AbortController();
  private readonly windows = new Mailbox<HeardWindow | 'no more'>();

  /**
   * @param recording its number, for the thread
   * @param share how many windows of it may be on their way at the same time; may change while it is heard
   */
  constructor(
    private readonly threads: ListeningThreads,
    private readonly settings: ListeningSettings,
    private readonly request: Omit<TranscriptionRequest, 'audio'>,
    private readonly recording: number,
    private readonly share: () => number,
  ) {
    setMaxListeners(0, this.stop.signal);
  }

  /** Yields at least one piece. However it is left, nothing of it goes on. */
  async *pieces(
    audio: Uint8Array<ArrayBuffer>,
    signal: AbortSignal,
  ): AsyncGenerator<TranscriptionPiece, void> {
    const onAbort = () => this.stop.abort(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const survey = await this.survey(audio);
      void this.feed(survey).catch((error: unknown) => this.windows.fail(error));
      yield* this.inOrder(survey);
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.stop.abort(new Error('Nobody listens any more.'));
      // Nobody waits for it; when the thread is gone, so is the file.
      const forget = { step: 'forget', recording: this.recording } as const;
      this.threads.recordings.call(forget, new AbortController().signal).catch(() => undefined);
    }
  }

  private async survey(audio: Uint8Array<ArrayBuffer>): Promise<Survey> {
    const { recordings } = this.threads;
    const { recording } = this;
    await recordings.call({ step: 'open', recording, audio }, this.stop.signal, [audio.buffer]);
    for (;;) {
      const { survey } = await recordings.call({ step: 'survey', recording }, this.stop.signal);
      if (survey !== undefined) return survey;
    }
  }

  /** Starts windows, as many at the same time as its share is. */
  private async feed(survey: Survey): Promise<void> {
    const { sampleRate, windowSamples } = this.settings;
    const plan = new WindowPlan(survey, windowSamples, sampleRate, this.request.timestamps);
    const running = new Set<Promise<unknown>>();
    let language = this.request.language;
    for (let planned = plan.next(), isFirst = true; planned !== undefined; planned = plan.next()) {
      while (running.size >= this.share()) await Promise.race(running);
      const heard = await this.hear(planned, language);
      running.add(heard.ended);
      void heard.ended.then(() => running.delete(heard.ended));
      this.windows.put(heard);
      // The language of the first window is that of all others.
      if (isFirst) language ??= (await heard.opening)?.language;
      isFirst = false;
      plan.heard(heard.window, planned.canSeek ? (await heard.ended)?.end?.seekS : undefined);
    }
    this.windows.put('no more');
  }

  private async hear(
    { window, isCut, canSeek }: PlannedWindow,
    language: string | undefined,
  ): Promise<HeardWindow> {
    const { recordings } = this.threads;
    const step = { step: 'read', recording: this.recording, window, isCut } as const;
    const { heard } = await recordings.call(step, this.stop.signal);
    if (heard === undefined) throw new Error('The recording thread read no window.');
    const pieces = new Mailbox<WindowPiece>();
    let tellOpening: (piece: WindowPiece | undefined) => void = () => undefined;
    const opening = new Promise<WindowPiece | undefined>((resolve) => {
      tellOpening = resolve;
    });
    const write = async (): Promise<WindowPiece | undefined> => {
      let last: WindowPiece | undefined;
      try {
        for await (const piece of this.write(heard, canSeek, language)) {
          tellOpening(piece);
          pieces.put(piece);
          last = piece;
        }
        return last;
      } catch (error) {
        pieces.fail(error);
        return undefined;
      } finally {
        tellOpening(undefined);
      }
    };
    return { window: heard.window, pieces, opening, ended: write() };
  }

  private async *write(
    { features, window }: NonNullable<RecordingStepAnswer['heard']>,
    canSeek: boolean,
    language: string | undefined,
  ): AsyncGenerator<WindowPiece, void> {
    const { prompt, timestamps, maxTokens, sampling, retriesDoubtful } = this.request;
    const sound = await this.threads.encoder.call(features, this.stop.signal, [features.buffer]);
    const samples = window.reduce((sum, { start, end }) => sum + end - start, 0);
    const durationS = samples / this.settings.sampleRate;
    const task = {
      sound,
      durationS,
      language,
      prompt,
      timestamps,
      maxTokens,
      sampling,
      retriesDoubtful,
      canSeek,
    };
    yield* this.threads.decoder.write(task, this.stop.signal);
  }

  private async *inOrder({ samples }: Survey): AsyncGenerator<TranscriptionPiece, void> {
    const durationS = samples / this.settings.sampleRate;
    let language = this.request.language ?? 'en';
    let hasText = false;
    for (let heard = await this.windows.take(); heard !== 'no more'; heard = await this.windows.take()) {
      hasText = true;
      let promptTokens = 0;
      for (let isLast = false; !isLast; ) {
        const { text, tokens, end, ...piece } = await heard.pieces.take();
        promptTokens += piece.promptTokens;
        language = piece.language ?? language;
        isLast = end !== undefined;
        // How a window begins is told with its first text.
        if (text === '' && tokens === 0 && end === undefined) continue;
        const segments = end?.segments.map((segment) => this.toRecording(segment, heard.window)) ?? [];
        const windowEnd = end && { finishReason: end.finishReason, segments };
        yield { text, tokens, promptTokens, language, durationS, ...(windowEnd && { windowEnd }) };
        promptTokens = 0;
      }
    }
    if (hasText) return;
    // Nobody speaks.
    const windowEnd = { finishReason: 'stop', segments: [] } as const;
    yield { text: '', tokens: 0, promptTokens: 0, language, durationS, windowEnd };
  }

  private toRecording(segment: WindowSegment, window: SoundWindow): TranscriptionSegment {
    const { sampleRate } = this.settings;
    const place = (seconds: number, isEnd: boolean) =>
      placeInRecording(window, Math.round(seconds * sampleRate), isEnd) / sampleRate;
    const start = place(segment.start, false);
    return {
      ...segment,
      start,
      end: Math.max(start, place(segment.end, true)),
      windowStart: (window[0]?.start ?? 0) / sampleRate,
    };
  }
}
