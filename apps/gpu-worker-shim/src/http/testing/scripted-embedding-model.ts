import type {
  EmbeddingAnswer,
  EmbeddingModel,
  EmbeddingModelLoad,
  EmbeddingRequest,
} from '../../models/embedding-model.js';

/** Answers each input with a vector of its length, and remembers what it was asked. */
export class ScriptedEmbeddingModel implements EmbeddingModel {
  readonly maxModelLen = 64;
  readonly isHealthy = true;
  readonly requests: EmbeddingRequest[] = [];
  /** Thrown instead of an answer. */
  failure: unknown;
  /** Wait for the abort instead of answering. */
  hangs = false;

  /** Settles with the first request. */
  readonly asked: Promise<void>;
  private markAsked: () => void = () => undefined;

  constructor(readonly id: string) {
    this.asked = new Promise((resolve) => {
      this.markAsked = resolve;
    });
  }

  load(): EmbeddingModelLoad {
    return { running: 3, waiting: 4, kvCacheUsage: 0 };
  }

  async embed(request: EmbeddingRequest, signal: AbortSignal): Promise<EmbeddingAnswer> {
    this.requests.push(request);
    this.markAsked();
    if (this.failure !== undefined) throw this.failure;
    if (this.hangs) {
      await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    }
    const vectors = request.inputs.map(({ length }) => Float32Array.of(length, -0.5));
    return { vectors, promptTokens: request.inputs.reduce((sum, { length }) => sum + length, 0) };
  }

  async close(): Promise<void> {}
}
