import { FoveaError } from '@fovea/errors';
import { Admission } from '../../engine/admission.js';
import type { Calls } from '../../engine/threads/call-thread.js';
import { Turnstile } from '../../engine/turnstile.js';
import type {
  TranscriptionModel,
  TranscriptionModelLoad,
  TranscriptionPiece,
  TranscriptionRequest,
} from '../transcription-model.js';
import type { Survey } from '../whisper/recording/recording.js';
import { WindowPlan } from '../whisper/window-plan.js';
import type { PocketSphinx } from './find-pocketsphinx.js';
import { runDecoder } from './run-decoder.js';
import { SAMPLE_RATE, type SoundStep, type SoundStepAnswer, WINDOW_SAMPLES } from './sound/sound-protocol.js';
import { LANGUAGE, toPiece } from './to-piece.js';
import { readUtterances } from './utterances.js';

export interface PocketSphinxModelSettings {
  readonly id: string;
  /** Recordings that are open at the same time. */
  readonly maxRunning: number;
  readonly maxWaiting: number;
  /** Processes that hear at the same time. */
  readonly maxProcesses: number;
}

/** PocketSphinx: each window of a recording is heard by a process of its own, those of one recording after each other. */
export class PocketSphinxModel implements TranscriptionModel {
  /** It has no context. Nobody says so many words in a window. */
  readonly maxModelLen = 448;
  private readonly admission: Admission;
  private readonly recordings: Turnstile;
  private readonly processes: Turnstile;
  private running = 0;
  private hearing = 0;
  private lastNumber = 0;

  constructor(
    private readonly settings: PocketSphinxModelSettings,
    private readonly sphinx: PocketSphinx,
    private readonly sounds: Calls<SoundStep, SoundStepAnswer>,
  ) {
    this.admission = new Admission(settings.maxRunning, settings.maxWaiting);
    this.recordings = new Turnstile(settings.maxRunning);
    this.processes = new Turnstile(settings.maxProcesses);
  }

  get id(): string {
    return this.settings.id;
  }

  get isHealthy(): boolean {
    return this.sounds.isHealthy;
  }

  load(): TranscriptionModelLoad {
    const waiting = this.admission.inFlight - this.running;
    return { running: this.running, waiting, kvCacheUsage: this.hearing / this.settings.maxProcesses };
  }

  /** `prompt`, `sampling` and `maxTokens` have no meaning for this decoder and change nothing. */
  async *transcribe(
    request: TranscriptionRequest,
    signal: AbortSignal,
  ): AsyncGenerator<TranscriptionPiece, void> {
    const { language } = request;
    if (language !== undefined && language !== LANGUAGE) {
      const message = `Unsupported language: '${language.slice(0, 32)}'. Language must be one of ${LANGUAGE}.`;
      throw new FoveaError('INVALID_REQUEST', { message, param: 'language' });
    }
    const place = this.admission.enter(1);
    try {
      const leave = await this.takeTurn(signal);
      this.running += 1;
      try {
        yield* this.listen(request, signal);
      } finally {
        this.running -= 1;
        leave();
      }
    } finally {
      place.release();
    }
  }

  close(): Promise<void> {
    return this.sounds.close();
  }

  /** Waits for one of the places that hold a recording; returns how to leave it. */
  private takeTurn(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      this.recordings.pass(signal, () => new Promise<void>(resolve)).catch(reject);
    });
  }

  private async *listen(
    { audio, timestamps }: TranscriptionRequest,
    signal: AbortSignal,
  ): AsyncGenerator<TranscriptionPiece, void> {
    const recording = ++this.lastNumber;
    try {
      await this.sounds.call({ step: 'open', recording, audio }, signal, [audio.buffer]);
      const survey = await this.survey(recording, signal);
      const durationS = survey.samples / SAMPLE_RATE;
      const plan = new WindowPlan(survey, WINDOW_SAMPLES, SAMPLE_RATE, false);
      let followsText = false;
      let isSilent = true;
      for (let planned = plan.next(); planned !== undefined; planned = plan.next()) {
        const { window, isCut } = planned;
        const { heard } = await this.sounds.call({ step: 'read', recording, window, isCut }, signal);
        if (heard === undefined) throw new Error('The sound thread read no window.');
        plan.heard(heard.window, undefined);
        const utterances = readUtterances(await this.hear(heard.samples, signal));
        yield toPiece({ utterances, window: heard.window, durationS, followsText }, timestamps);
        isSilent = false;
        followsText ||= utterances.length > 0;
      }
      if (isSilent) yield toPiece({ utterances: [], window: [], durationS, followsText }, timestamps);
    } finally {
      // Nobody waits for it; when the thread is gone, so is the recording.
      const forget = { step: 'forget', recording } as const;
      this.sounds.call(forget, new AbortController().signal).catch(() => undefined);
    }
  }

  private async survey(recording: number, signal: AbortSignal): Promise<Survey> {
    for (;;) {
      const { survey } = await this.sounds.call({ step: 'survey', recording }, signal);
      if (survey !== undefined) return survey;
    }
  }

  private hear(samples: Int16Array, signal: AbortSignal): Promise<string> {
    return this.processes.pass(signal, async () => {
      this.hearing += 1;
      try {
        return await runDecoder(this.sphinx, samples, signal);
      } finally {
        this.hearing -= 1;
      }
    });
  }
}
