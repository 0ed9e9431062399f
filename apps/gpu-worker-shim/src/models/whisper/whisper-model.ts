import { FoveaError } from '@fovea/errors';
import { Admission } from '../../engine/admission.js';
import type { CallThread } from '../../engine/threads/call-thread.js';
import { Turnstile } from '../../engine/turnstile.js';
import type {
  TranscriptionModel,
  TranscriptionModelLoad,
  TranscriptionPiece,
  TranscriptionRequest,
} from '../transcription-model.js';
import type { WhisperStep, WhisperStepAnswer } from './thread/whisper-protocol.js';

export interface WhisperModelSettings {
  readonly id: string;
  readonly maxModelLen: number;
  /** Codes; empty: English only. */
  readonly languages: readonly string[];
  readonly maxRunning: number;
  readonly maxWaiting: number;
}

/** Every running request holds its sound, up to 230 MB for an hour. */
const MAX_OPEN_FILES = 4;
/** vLLM takes any length; what is over half of the context is cut anyway. */
const MAX_PROMPT_CHARACTERS = 20_000;

const neverAborted = new AbortController().signal;

/** Whisper: sound to text, window by window, in one worker thread. */
export class WhisperModel implements TranscriptionModel {
  private readonly admission: Admission;
  private readonly turnstile: Turnstile;
  private running = 0;
  private lastNumber = 0;

  constructor(
    private readonly settings: WhisperModelSettings,
    private readonly thread: CallThread<WhisperStep, WhisperStepAnswer>,
  ) {
    this.admission = new Admission(settings.maxRunning, settings.maxWaiting);
    this.turnstile = new Turnstile(Math.min(settings.maxRunning, MAX_OPEN_FILES));
  }

  get id(): string {
    return this.settings.id;
  }

  get maxModelLen(): number {
    return this.settings.maxModelLen;
  }

  get isHealthy(): boolean {
    return this.thread.isHealthy;
  }

  load(): TranscriptionModelLoad {
    return { running: this.running, waiting: this.admission.inFlight - this.running, kvCacheUsage: 0 };
  }

  async *transcribe(
    request: TranscriptionRequest,
    signal: AbortSignal,
  ): AsyncGenerator<TranscriptionPiece, void> {
    this.check(request);
    const place = this.admission.enter(1);
    try {
      const leave = await this.takeTurn(signal);
      this.running += 1;
      try {
        yield* this.pieces(request, signal);
      } finally {
        this.running -= 1;
        leave();
      }
    } finally {
      place.release();
    }
  }

  async close(): Promise<void> {
    await this.thread.close();
  }

  private check({ language, prompt }: TranscriptionRequest): void {
    const known = this.settings.languages.length === 0 ? ['en'] : this.settings.languages;
    if (language !== undefined && !known.includes(language)) {
      throw new FoveaError('INVALID_REQUEST', {
        message: `Unsupported language: '${language.slice(0, 32)}'. Language must be one of ${known.join(', ')}.`,
        param: 'language',
      });
    }
    if (prompt.length > MAX_PROMPT_CHARACTERS) {
      throw new FoveaError('INVALID_REQUEST', {
        message: `prompt must have at most ${MAX_PROMPT_CHARACTERS} characters, has ${prompt.length}.`,
        param: 'prompt',
        limit: { name: 'max_characters', value: MAX_PROMPT_CHARACTERS, actual: prompt.length },
      });
    }
  }

  /** Waits for one of the places that hold a file; returns how to leave it. */
  private takeTurn(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      this.turnstile.pass(signal, () => new Promise<void>(resolve)).catch(reject);
    });
  }

  private async *pieces(
    { audio, language, prompt, timestamps, maxTokens }: TranscriptionRequest,
    signal: AbortSignal,
  ): AsyncGenerator<TranscriptionPiece, void> {
    this.lastNumber += 1;
    const transcription = this.lastNumber;
    try {
      const task = { language, prompt, timestamps, maxTokens };
      await this.thread.call({ step: 'open', transcription, audio, task }, signal, [audio.buffer]);
      for (let isLast = false; !isLast; ) {
        const answer = await this.thread.call({ step: 'write', transcription }, signal);
        if (answer.piece !== undefined) yield answer.piece;
        isLast = answer.isLast;
      }
    } finally {
      // Nobody waits for it; when the thread is gone, so is the file.
      this.thread.call({ step: 'forget', transcription }, neverAborted).catch(() => undefined);
    }
  }
}
