import type { ChatModel, ChatModelLoad, ChatModelPiece, ChatModelRequest } from '../../models/chat-model.js';

/** A model that gives scripted pieces and remembers what it was asked. */
export class ScriptedModel implements ChatModel {
  readonly maxModelLen = 128;
  readonly requests: ChatModelRequest[] = [];
  readonly aborted: Promise<void>;
  isHealthy = true;
  /** Thrown behind the script. */
  failure: unknown;
  /** Behind the script, wait for the abort instead of ending. */
  hangs = false;
  private markAborted: () => void = () => undefined;

  constructor(
    readonly id: string,
    public script: readonly ChatModelPiece[],
    readonly multimodal = true,
  ) {
    this.aborted = new Promise((resolve) => {
      this.markAborted = resolve;
    });
  }

  load(): ChatModelLoad {
    return { running: 1, waiting: 2, kvCacheUsage: 0.5 };
  }

  async *start(request: ChatModelRequest, signal: AbortSignal): AsyncGenerator<ChatModelPiece, void> {
    this.requests.push(request);
    signal.addEventListener('abort', this.markAborted, { once: true });
    yield* this.script;
    if (this.failure !== undefined) throw this.failure;
    if (!this.hangs) return;
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
    throw signal.reason;
  }

  async close(): Promise<void> {}
}

/** Pieces of one choice: a token per text, the last one with an end. */
export function choicePieces(index: number, texts: readonly string[], promptTokens = 7): ChatModelPiece[] {
  return texts.map((text, at) => ({
    index,
    text,
    tokenIds: [100 + at],
    promptTokens,
    completionTokens: at + 1,
    ...(index === 0 && at === 0 && { promptTokenIds: [1, 2, 3] }),
    ...(at === texts.length - 1 && { end: { finishReason: 'stop' as const, stopReason: null } }),
  }));
}
