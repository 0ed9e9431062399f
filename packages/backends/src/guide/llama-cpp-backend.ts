import { type ErrorCode, FoveaError } from '@fovea/errors';
import type { GenerationEvent } from '@fovea/schemas/events';
import { z } from 'zod';
import {
  Backend,
  type CompletionGeneration,
  EngineGoneError,
  type EngineLoad,
  type EngineModel,
  type EngineTokens,
  type Generation,
} from '../index.js';
import { SseDecoder } from '../openai-http/answer/sse-decoder.js';

const pieceSchema = z.object({
  content: z.string(),
  stop: z.boolean(),
  stop_type: z.string().optional(),
  tokens_evaluated: z.number().default(0),
  tokens_predicted: z.number().default(0),
});
const propsSchema = z.object({ default_generation_settings: z.object({ n_ctx: z.number() }) });
const tokensSchema = z.object({ tokens: z.array(z.number()) });
const contentSchema = z.object({ content: z.string() });

/** Raw text prompts on the native protocol of llama.cpp's server: `/completion`, `/tokenize`, `/props`. */
export class LlamaCppBackend extends Backend {
  constructor(
    private readonly baseUrl: string,
    private readonly model: string,
  ) {
    super();
  }

  override async *generate(
    request: Generation,
    signal: AbortSignal,
  ): AsyncGenerator<readonly GenerationEvent[]> {
    if (request.kind !== 'completion') throw missing(request.kind);
    const response = await this.#ask('/completion', toBody(request), signal);
    const decoder = new SseDecoder();
    try {
      for await (const bytes of response.body ?? []) {
        const events = decoder.push(bytes).flatMap(toEvents);
        if (events.length > 0) yield events;
        if (events.at(-1)?.type === 'generation-end') return;
      }
    } catch (error) {
      throw toFoveaError(error, signal);
    }
    throw failed('the stream ended without a finish reason');
  }

  override async embed(): Promise<never> {
    throw missing('embedding');
  }

  override async rerank(): Promise<never> {
    throw missing('reranking');
  }

  override readonly tokens: EngineTokens = {
    tokenize: async ({ text }, signal) => {
      const { tokens } = await this.#read('/tokenize', tokensSchema, signal, { content: text });
      return { tokenIds: tokens };
    },
    detokenize: async ({ tokenIds }, signal) =>
      (await this.#read('/detokenize', contentSchema, signal, { tokens: tokenIds })).content,
    tokenizerFile: async () => {
      throw missing('showing its tokenizer');
    },
  };

  override async checkHealth(signal: AbortSignal): Promise<void> {
    await (await this.#ask('/health', undefined, signal)).body?.cancel();
  }

  override async load(): Promise<EngineLoad> {
    return {};
  }

  override async models(signal: AbortSignal): Promise<EngineModel[]> {
    const props = await this.#read('/props', propsSchema, signal);
    return [{ id: this.model, maxModelLen: props.default_generation_settings.n_ctx }];
  }

  override async close(): Promise<void> {}

  async #read<T>(path: string, schema: z.ZodType<T>, signal: AbortSignal, body?: object): Promise<T> {
    const response = await this.#ask(path, body, signal);
    try {
      return schema.parse(await response.json());
    } catch (error) {
      throw toFoveaError(error, signal);
    }
  }

  async #ask(path: string, body: object | undefined, signal: AbortSignal): Promise<Response> {
    const post = { method: 'POST', body: JSON.stringify(body) };
    const headers = { 'content-type': 'application/json' };
    const sent = fetch(`${this.baseUrl}${path}`, { signal, headers, ...(body === undefined ? {} : post) });
    const response = await sent.catch((error: unknown) => {
      throw toFoveaError(error, signal);
    });
    if (response.ok) return response;
    const text = await response.text().catch(() => '');
    if (text.includes('exceed_context_size_error')) throw refused('CONTEXT_LENGTH_EXCEEDED', text);
    if (response.status === 400) throw refused('INVALID_REQUEST', text);
    if (response.status === 503) throw refused('QUEUE_FULL', text);
    throw failed(`${path} answered ${response.status}`);
  }
}

function toBody({ prompts, sampling }: CompletionGeneration): object {
  const [items = [], ...others] = prompts;
  if (others.length > 0 || (sampling.n ?? 1) > 1) throw missing('several choices');
  const prompt = items.map((item) => {
    if (item.type !== 'text') throw missing(`a prompt with ${item.type}`);
    return item.text;
  });
  const { maxTokens = -1, temperature = 1, topP = 1, seed, stop } = sampling;
  return {
    prompt: prompt.join(''),
    n_predict: maxTokens,
    temperature,
    top_p: topP,
    seed,
    stop,
    stream: true,
  };
}

function toEvents(data: string): GenerationEvent[] {
  const piece = pieceSchema.parse(JSON.parse(data));
  const events: GenerationEvent[] = [];
  if (piece.content !== '') events.push({ type: 'text-delta', index: 0, text: piece.content });
  if (!piece.stop) return events;
  const usage = { promptTokens: piece.tokens_evaluated, completionTokens: piece.tokens_predicted };
  const finishReason = piece.stop_type === 'limit' ? ('length' as const) : ('stop' as const);
  return [...events, { type: 'choice-end', index: 0, finishReason }, { type: 'generation-end', usage }];
}

const missing = (what: string): FoveaError =>
  new FoveaError('MISSING_CAPABILITY', { message: `The engine of this model does not know ${what}.` });

/** What the engine says goes to the log only: it may hold addresses and the client's text. */
const refused = (code: ErrorCode, detail: string): FoveaError => new FoveaError(code, { detail });
const failed = (detail: string, cause?: unknown): FoveaError =>
  new FoveaError('BACKEND_ERROR', { detail, cause });

function toFoveaError(error: unknown, signal: AbortSignal): FoveaError {
  if (signal.aborted) return FoveaError.from(signal.reason);
  if (error instanceof FoveaError) return error;
  const { cause } = Object(error) as { cause?: { code?: string } };
  const isGone = cause?.code === 'ECONNREFUSED';
  return failed('the engine broke off', isGone ? new EngineGoneError('nobody listens') : error);
}
