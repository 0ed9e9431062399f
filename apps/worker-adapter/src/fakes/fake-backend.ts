import {
  Backend,
  type ChatGeneration,
  type EmbedAnswer,
  type EmbedRequest,
  type EngineLoad,
  type EngineModel,
  type EngineTokens,
  type RerankAnswer,
  type RerankRequest,
} from '@fovea/backends';
import type { GenerationEvent } from '@fovea/schemas/events';

export type Script = (
  request: ChatGeneration,
  signal: AbortSignal,
) => AsyncIterable<readonly GenerationEvent[]>;

/** An engine that plays what a test scripts. */
export class FakeBackend extends Backend {
  readonly requests: ChatGeneration[] = [];
  readonly aborted: string[] = [];
  /** Thrown by health probes while set. */
  problem: Error | undefined;
  probes = 0;
  engineModels: EngineModel[] = [{ id: 'tiny-vlm', maxModelLen: 4096 }];
  script: Script = answer('Hello', ' world');
  readonly embedRequests: EmbedRequest[] = [];
  readonly rerankRequests: RerankRequest[] = [];
  embedScript: (request: EmbedRequest, signal: AbortSignal) => Promise<EmbedAnswer> = embedLengths;
  rerankScript: (request: RerankRequest, signal: AbortSignal) => Promise<RerankAnswer> = scoreLengths;
  engineLoad: EngineLoad = {};
  /** One token per character, its code as the id. */
  readonly tokens: EngineTokens = {
    tokenize: ({ text }) => {
      const pieces = Array.from(text);
      const tokenIds = pieces.map((piece) => piece.codePointAt(0) ?? 0);
      return Promise.resolve({ tokenIds, tokens: pieces });
    },
    detokenize: ({ tokenIds }) => Promise.resolve(String.fromCodePoint(...tokenIds)),
    tokenizerFile: ({ model }) => Promise.resolve(Buffer.from(JSON.stringify({ of: model }))),
  };

  async *generate(request: ChatGeneration, signal: AbortSignal): AsyncIterable<readonly GenerationEvent[]> {
    this.requests.push(request);
    const onAbort = (): void => void this.aborted.push(request.requestId);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      yield* this.script(request, signal);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  checkHealth(_signal: AbortSignal): Promise<void> {
    this.probes += 1;
    return this.problem === undefined ? Promise.resolve() : Promise.reject(this.problem);
  }

  embed(request: EmbedRequest, signal: AbortSignal): Promise<EmbedAnswer> {
    this.embedRequests.push(request);
    return this.embedScript(request, signal);
  }

  rerank(request: RerankRequest, signal: AbortSignal): Promise<RerankAnswer> {
    this.rerankRequests.push(request);
    return this.rerankScript(request, signal);
  }

  load(): Promise<EngineLoad> {
    return this.problem === undefined ? Promise.resolve(this.engineLoad) : Promise.reject(this.problem);
  }

  models(): Promise<EngineModel[]> {
    return this.problem === undefined ? Promise.resolve(this.engineModels) : Promise.reject(this.problem);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

type Input = string | readonly number[];
const totalLength = (inputs: readonly Input[]): number =>
  inputs.reduce<number>((sum, { length }) => sum + length, 0);

/** One vector per input: its length, and its first character's code or its first id. */
export function embedLengths({ inputs }: EmbedRequest): Promise<EmbedAnswer> {
  const first = (input: Input): number =>
    typeof input === 'string' ? input.charCodeAt(0) : (input[0] ?? Number.NaN);
  const vectors = inputs.map((input) =>
    Buffer.from(Float32Array.of(input.length, first(input)).buffer).toString('base64'),
  );
  return Promise.resolve({ vectors, promptTokens: totalLength(inputs) });
}

/** The longer a document, the better it fits. */
export function scoreLengths({ query, documents }: RerankRequest): Promise<RerankAnswer> {
  const scores = documents.map((text) => text.length);
  return Promise.resolve({
    scores,
    promptTokens: totalLength([...(typeof query === 'string' ? [query] : query), ...documents]),
  });
}

export const delta = (text: string, completionTokens: number): GenerationEvent => ({
  type: 'text-delta',
  index: 0,
  text,
  usage: { promptTokens: 10, completionTokens },
});

/** Each piece is one batch; then a regular end. */
export function answer(...pieces: string[]): Script {
  return async function* () {
    for (const [index, piece] of pieces.entries()) yield [delta(piece, index + 1)];
    yield [
      { type: 'choice-end', index: 0, finishReason: 'stop' },
      { type: 'generation-end', usage: { promptTokens: 10, completionTokens: pieces.length } },
    ];
  };
}

/** The pieces, then `error`. */
export function failAfter(error: Error, ...pieces: string[]): Script {
  return async function* () {
    for (const [index, piece] of pieces.entries()) yield [delta(piece, index + 1)];
    throw error;
  };
}

/** The pieces, then nothing until it is aborted. `onHang` is called when it waits. */
export function hangAfter(onHang: () => void, ...pieces: string[]): Script {
  return async function* (_request, signal) {
    for (const [index, piece] of pieces.entries()) yield [delta(piece, index + 1)];
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      onHang();
    });
  };
}
