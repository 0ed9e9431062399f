import type {
  TranscriptionModel,
  TranscriptionModelLoad,
  TranscriptionPiece,
  TranscriptionRequest,
} from '../../models/transcription-model.js';

/** A model that gives scripted pieces and remembers what it was asked. */
export class ScriptedTranscriptionModel implements TranscriptionModel {
  readonly maxModelLen = 448;
  readonly isHealthy = true;
  readonly requests: TranscriptionRequest[] = [];
  /** Thrown behind the script. */
  failure: unknown;

  constructor(
    readonly id: string,
    public script: readonly TranscriptionPiece[],
  ) {}

  load(): TranscriptionModelLoad {
    return { running: 1, waiting: 0, kvCacheUsage: 0 };
  }

  async *transcribe(request: TranscriptionRequest): AsyncGenerator<TranscriptionPiece, void> {
    this.requests.push(request);
    yield* this.script;
    if (this.failure !== undefined) throw this.failure;
  }

  async close(): Promise<void> {}
}
