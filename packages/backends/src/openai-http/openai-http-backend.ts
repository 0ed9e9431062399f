import { FoveaError } from '@fovea/errors';
import type { GenerationEvent } from '@fovea/schemas/events';
import type { Sampling } from '@fovea/schemas/jobs';
import { EngineGoneError } from '../engine-gone.js';
import {
  Backend,
  type EmbedAnswer,
  type EmbedRequest,
  type EngineLoad,
  type EngineModel,
  type EngineTokens,
  type Generation,
  type RerankAnswer,
  type RerankRequest,
} from '../index.js';
import { generateChat } from './chat/generate-chat.js';
import { generateCompletion } from './completion/generate-completion.js';
import { toFoveaError } from './errors/engine-error.js';
import { parseJson, readErrorBody } from './errors/engine-report.js';
import { readMetrics } from './load/read-metrics.js';
import { readModels } from './models/read-models.js';
import { askPooling } from './pooling/ask-pooling.js';
import { readEmbeddings } from './pooling/read-embeddings.js';
import { readPairScores, readScores } from './pooling/read-scores.js';
import { createEngineTokens } from './tokens/ask-tokens.js';
import { generateTranscription } from './transcription/generate-transcription.js';
import { Deadline } from './transport/deadline.js';
import { EngineConnection, readText, toBackendError } from './transport/engine-connection.js';

export interface OpenAiHttpBackendOptions {
  /** `http://host:port`, with a path in front of `/v1` if the engine has one. */
  readonly baseUrl: string;
  readonly apiKey?: string | undefined;
  /** Bound on one generation, from its first pull to its last event; none by default. Over it: `TIMEOUT`. */
  readonly requestTimeoutMs?: number | undefined;
  /** Bound on the silence between two pieces of an answer; none by default. Queueing before the first is not silence. */
  readonly idleTimeoutMs?: number | undefined;
  /** Bound on a health check, a model list or a look at the load; 5000 by default. */
  readonly controlTimeoutMs?: number | undefined;
  /** Connections for requests that are work; more of them than that wait for one. 256 by default. */
  readonly connections?: number | undefined;
  /** Ask for token ids (vLLM and the shim know them), so that an answer can be continued elsewhere. */
  readonly returnTokenIds?: boolean | undefined;
  /** Tokens of prompt and answer, for an engine whose model list does not say. */
  readonly maxModelLen?: number | undefined;
  /** Sampling for what a request leaves open. The API's own defaults unless set; `{}` leaves it to the engine. */
  readonly samplingDefaults?: Sampling | undefined;
}

/** Far above any page of metrics; what comes after it is not looked at. */
const maxMetricsBytes = 4 * 1024 * 1024;

/** No `/metrics`, or not for us: the engine reports no load. */
const withoutMetrics = new Set([401, 403, 404, 405]);

/** An engine behind OpenAI's HTTP protocol: vLLM, or our gpu-worker-shim (DESIGN D3). */
class OpenAiHttpBackend extends Backend {
  readonly #connection: EngineConnection;
  readonly #options: OpenAiHttpBackendOptions;
  override readonly tokens: EngineTokens;

  constructor(options: OpenAiHttpBackendOptions) {
    super();
    this.#options = options;
    const { baseUrl, apiKey, connections = 256 } = options;
    this.#connection = new EngineConnection({ baseUrl, apiKey, connections });
    this.tokens = createEngineTokens(this.#connection, options.requestTimeoutMs);
  }

  override generate(request: Generation, signal: AbortSignal): AsyncGenerator<readonly GenerationEvent[]> {
    const { requestTimeoutMs, idleTimeoutMs, samplingDefaults, returnTokenIds = false } = this.#options;
    const options = { totalMs: requestTimeoutMs, idleMs: idleTimeoutMs, samplingDefaults, returnTokenIds };
    switch (request.kind) {
      case 'chat':
        return generateChat(this.#connection, request, options, signal);
      case 'completion':
        return generateCompletion(this.#connection, request, options, signal);
      case 'transcription':
        return generateTranscription(this.#connection, request, options, signal);
    }
  }

  override async embed(request: EmbedRequest, signal: AbortSignal): Promise<EmbedAnswer> {
    const { model, inputs, dimensions } = request;
    const body = { model, input: inputs, encoding_format: 'base64', dimensions };
    const question = { path: '/v1/embeddings', requestId: request.requestId, body, promptField: 'input' };
    return readEmbeddings(await this.#askPooling(question, signal), request);
  }

  override async rerank(request: RerankRequest, signal: AbortSignal): Promise<RerankAnswer> {
    const { model, query, documents, requestId } = request;
    const about = { requestId, promptField: 'documents' };
    if (typeof query === 'string') {
      const question = { ...about, path: '/v1/rerank', body: { model, query, documents } };
      return readScores(await this.#askPooling(question, signal), request);
    }
    const pairs = { ...about, path: '/v1/score', body: { model, text_1: query, text_2: documents } };
    return readPairScores(await this.#askPooling(pairs, signal), request);
  }

  /** `/health` of vLLM answers 503 when its core is dead, and nothing at all when it hangs. */
  override async checkHealth(signal: AbortSignal): Promise<void> {
    const { statusCode } = await this.#ask('/health', signal);
    if (statusCode === 200) return;
    const detail = `the engine’s /health answered ${statusCode}`;
    const cause = statusCode === 503 ? new EngineGoneError(detail) : undefined;
    throw new FoveaError('BACKEND_ERROR', { detail, cause });
  }

  override async load(signal: AbortSignal): Promise<EngineLoad> {
    const { statusCode, text } = await this.#ask('/metrics', signal, maxMetricsBytes);
    if (withoutMetrics.has(statusCode)) return {};
    if (statusCode === 200) return readMetrics(text);
    throw new FoveaError('BACKEND_ERROR', { detail: `the engine’s /metrics answered ${statusCode}` });
  }

  override async models(signal: AbortSignal): Promise<EngineModel[]> {
    const { statusCode, text } = await this.#ask('/v1/models', signal);
    if (statusCode !== 200) throw toFoveaError(readErrorBody(statusCode, text), { imagePaths: [] });
    return readModels(parseJson(text), this.#options.maxModelLen);
  }

  override close(): Promise<void> {
    return this.#connection.close();
  }

  #askPooling(question: Parameters<typeof askPooling>[1], signal: AbortSignal): Promise<unknown> {
    const deadline = new Deadline(signal, { totalMs: this.#options.requestTimeoutMs });
    return askPooling(this.#connection, question, deadline);
  }

  async #ask(
    path: string,
    signal: AbortSignal,
    maxBytes?: number,
  ): Promise<{ statusCode: number; text: string }> {
    const deadline = new Deadline(signal, {});
    deadline.limit(this.#options.controlTimeoutMs ?? 5000);
    try {
      const response = await this.#connection.get(path, deadline.signal);
      return { statusCode: response.statusCode, text: await readText(response, maxBytes) };
    } catch (error) {
      throw deadline.signal.aborted ? deadline.signal.reason : toBackendError(error);
    } finally {
      deadline.dispose();
    }
  }
}

/** A backend for one engine. Throws when `baseUrl` is not an HTTP address. Opens no connection yet. */
export function createOpenAiHttpBackend(options: OpenAiHttpBackendOptions): Backend {
  return new OpenAiHttpBackend(options);
}
