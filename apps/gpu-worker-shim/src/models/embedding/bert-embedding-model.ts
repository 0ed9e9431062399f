import { Admission } from '../../engine/admission.js';
import type { CallThread } from '../../engine/threads/call-thread.js';
import type {
  EmbeddingAnswer,
  EmbeddingInput,
  EmbeddingModel,
  EmbeddingModelLoad,
  EmbeddingRequest,
} from '../embedding-model.js';
import { type InputLimits, InputRules } from './input-rules.js';
import { RowBatcher } from './row-batcher.js';
import { cutIds } from './thread/cut-ids.js';
import type { Cut, EmbeddingStep, EmbeddingStepAnswer } from './thread/embedding-protocol.js';

export interface BertEmbeddingSettings extends InputLimits {
  /** The side that is cut off when a request names none. */
  readonly truncationSide: 'left' | 'right';
  /** Texts of one batch. */
  readonly maxRows: number;
  readonly maxRunning: number;
  readonly maxWaiting: number;
}

/** Tokens of a batch, padding included. More gains nothing on a CPU and holds up who comes next. */
const MAX_BATCH_TOKENS = 4096;

/** Texts of about this many characters are turned into tokens per call; then the next request has its turn. */
const CHARACTERS_PER_CALL = 65_536;

/** Texts in pieces of `CHARACTERS_PER_CALL`, a longer one alone. */
function* inPieces(texts: readonly string[]): Generator<string[], void> {
  let piece: string[] = [];
  let characters = 0;
  for (const text of texts) {
    if (piece.length > 0 && characters + text.length > CHARACTERS_PER_CALL) {
      yield piece;
      piece = [];
      characters = 0;
    }
    piece.push(text);
    characters += text.length;
  }
  if (piece.length > 0) yield piece;
}

/** Embeddings by an encoder of the BERT layout: tokens, batches and vectors in one worker thread. */
export class BertEmbeddingModel implements EmbeddingModel {
  private readonly admission: Admission;
  private readonly rules: InputRules;
  private readonly batcher: RowBatcher;

  constructor(
    private readonly settings: BertEmbeddingSettings,
    private readonly thread: CallThread<EmbeddingStep, EmbeddingStepAnswer>,
  ) {
    this.admission = new Admission(settings.maxRunning, settings.maxWaiting);
    this.rules = new InputRules(settings);
    // A batch serves several requests: it has no signal of its own, and ends with the thread.
    const never = new AbortController().signal;
    this.batcher = new RowBatcher(
      async (rows) => (await thread.call({ step: 'encode', rows }, never)).vectors,
      { maxRows: settings.maxRows, maxTokens: MAX_BATCH_TOKENS },
    );
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

  load(): EmbeddingModelLoad {
    const { runningRows, runningJobs } = this.batcher;
    return {
      running: runningRows,
      waiting: Math.max(0, this.admission.inFlight - runningJobs),
      kvCacheUsage: 0,
    };
  }

  async embed(request: EmbeddingRequest, signal: AbortSignal): Promise<EmbeddingAnswer> {
    this.rules.check(request);
    const place = this.admission.enter(1);
    try {
      const inputs = await this.tokenise(request, signal);
      this.rules.checkTokens(inputs, request.truncation);
      const dimensions = request.dimensions ?? this.settings.dimensions;
      const rows = inputs.map((ids) => ({ ids, dimensions }));
      const vectors = await this.batcher.encode(rows, signal);
      return { vectors, promptTokens: inputs.reduce((sum, ids) => sum + ids.length, 0) };
    } finally {
      place.release();
    }
  }

  async close(): Promise<void> {
    await this.thread.close();
  }

  private async tokenise(
    { inputs, addSpecialTokens, truncation }: EmbeddingRequest,
    signal: AbortSignal,
  ): Promise<Int32Array[]> {
    const cut: Cut | undefined = truncation && { side: this.settings.truncationSide, ...truncation };
    const tokenised: Int32Array[] = [];
    for (const texts of inPieces(inputs.filter((input) => typeof input === 'string'))) {
      const step = { step: 'tokenise' as const, texts, addSpecialTokens, cut };
      tokenised.push(...(await this.thread.call(step, signal)).ids);
    }
    let next = 0;
    // Given ids are cut as they are: nobody knows whether there are special tokens among them.
    const idsOf = (input: EmbeddingInput): Int32Array =>
      typeof input === 'string' ? tokenised[next++]! : Int32Array.from(cut ? cutIds(input, cut) : input);
    return inputs.map(idsOf);
  }
}
