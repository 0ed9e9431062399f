import { FoveaError } from '@fovea/errors';
import { Admission } from '../../engine/admission.js';
import { Turnstile } from '../../engine/turnstile.js';
import type { MemoryNeed } from '../../memory/memory-need.js';
import type {
  TranscriptionModel,
  TranscriptionModelLoad,
  TranscriptionPiece,
  TranscriptionRequest,
} from '../transcription-model.js';
import { Listening, type ListeningSettings, type ListeningThreads } from './listening.js';

export interface WhisperModelSettings extends ListeningSettings {
  readonly id: string;
  readonly maxModelLen: number;
  /** Codes; empty: English only. */
  readonly languages: readonly string[];
  readonly maxRunning: number;
  readonly maxWaiting: number;
  /** Windows that the decoder writes at the same time. */
  readonly maxRows: number;
  readonly memoryNeed: MemoryNeed;
  /** Write doubtful windows again where a request allows it. */
  readonly retriesDoubtful: boolean;
}

/** vLLM takes any length; what is over half of the context is cut anyway. */
const MAX_PROMPT_CHARACTERS = 20_000;

/** Whisper: recordings to text, window by window, in three threads. */
export class WhisperModel implements TranscriptionModel {
  private readonly admission: Admission;
  private readonly turnstile: Turnstile;
  private running = 0;
  private lastNumber = 0;

  constructor(
    private readonly settings: WhisperModelSettings,
    private readonly threads: ListeningThreads,
  ) {
    this.admission = new Admission(settings.maxRunning, settings.maxWaiting);
    this.turnstile = new Turnstile(settings.maxRunning);
  }

  get id(): string {
    return this.settings.id;
  }

  get maxModelLen(): number {
    return this.settings.maxModelLen;
  }

  get memoryNeed(): MemoryNeed {
    return this.settings.memoryNeed;
  }

  get isHealthy(): boolean {
    const { recordings, encoder, decoder } = this.threads;
    return recordings.isHealthy && encoder.isHealthy && decoder.isHealthy;
  }

  load(): TranscriptionModelLoad {
    const kvCacheUsage = this.threads.decoder.load.running / this.settings.maxRows;
    return { running: this.running, waiting: this.admission.inFlight - this.running, kvCacheUsage };
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
        yield* this.listen(request).pieces(request.audio, signal);
      } finally {
        this.running -= 1;
        leave();
      }
    } finally {
      place.release();
    }
  }

  async close(): Promise<void> {
    const { recordings, encoder, decoder } = this.threads;
    await Promise.all([recordings.close(), encoder.close(), decoder.close()]);
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

  private listen(request: TranscriptionRequest): Listening {
    const { maxRows, retriesDoubtful } = this.settings;
    const allowed = { ...request, retriesDoubtful: request.retriesDoubtful && retriesDoubtful };
    // A long file alone has all places; beside others each has its part, so that a sentence need not wait for an hour.
    const share = () => Math.max(1, Math.ceil(maxRows / Math.max(1, this.running)));
    this.lastNumber += 1;
    return new Listening(this.threads, this.settings, allowed, this.lastNumber, share);
  }
}
