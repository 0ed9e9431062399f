import { FoveaError } from '@fovea/errors';
import type { GenerationEvent } from '@fovea/schemas/events';
import type { Sampling } from '@fovea/schemas/jobs';
import { z } from 'zod';
import { EngineGoneError } from '../engine-gone.js';
import {
  Backend,
  type ChatGeneration,
  type EmbedAnswer,
  type EmbedRequest,
  type EngineLoad,
  type EngineModel,
  type RerankAnswer,
  type RerankRequest,
} from '../index.js';
import { ChatReader } from './chat/chat-reader.js';
import { SseDecoder } from './chat/sse-decoder.js';
import { apiDefaults, toWireParameters } from './chat/wire-parameters.js';
import { Deadline } from './deadline.js';
import { EngineConnection, type EngineResponse, readText, toBackendError } from './engine-connection.js';
import { type ErrorContext, toFoveaError } from './errors/engine-error.js';
import { parseJson, readErrorBody } from './errors/engine-report.js';
import { toLogText } from './errors/public-text.js';
import { createJsonBody } from './json-body.js';
import { readMetrics } from './load/read-metrics.js';
import { readEmbeddings } from './pooling/read-embeddings.js';
import { readScores } from './pooling/read-scores.js';
import { createRequestBody } from './request-body.js';

export interface OpenAiHttpBackendOptions {
  /** `http://host:port`, with a path in front of `/v1` if the engine has one. */
  readonly baseUrl: string;
  readonly apiKey?: string | undefined;
  /** Bound on one generation, from its first pull to its last event; none by default. Over it: `TIMEOUT`. */
  readonly requestTimeoutMs?: number | undefined;
  /** Bound on the silence between two pieces of an answer; none by default. Queueing before the first is not silence. */
  readonly idleTimeoutMs?: number | undefined;
  /** Bound on a health check or a model list; 5000 by default. */
  readonly controlTimeoutMs?: number | undefined;
  /** Connections for generations; more generations than that wait for one. 256 by default. */
  readonly connections?: number | undefined;
  /** Ask for token ids (vLLM and the shim know them), so that an answer can be continued elsewhere. */
  readonly returnTokenIds?: boolean | undefined;
  /** Sampling for what a request leaves open. The API's own defaults unless set; `{}` leaves it to the engine. */
  readonly samplingDefaults?: Sampling | undefined;
}

/** How long the rest of a body may take once its answer is complete; then the connection is given up. */
const trailingMs = 1000;

/** How long the body of an error may take. */
const errorBodyMs = 5000;

/** Far above any page of metrics; what comes after it is not looked at. */
const maxMetricsBytes = 4 * 1024 * 1024;

/** A thousand vectors of 4096 dimensions, or the documents that an engine repeats in its answer. */
const maxPoolingBytes = 64 * 1024 * 1024;

/** No `/metrics`, or not for us: the engine reports no load. */
const withoutMetrics = new Set([401, 403, 404, 405]);

const modelListSchema = z.object({
  data: z.array(z.object({ id: z.string(), max_model_len: z.number().int().positive() })),
});

function errorContext(request: ChatGeneration): ErrorContext {
  const imagePaths = request.messages.flatMap(({ content }) =>
    typeof content === 'string'
      ? []
      : content.flatMap((part) => (part.type === 'image' ? [part.image.path] : [])),
  );
  return { imagePaths };
}

function header(response: EngineResponse, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Throws the catalogue error of anything but an event stream. */
async function checkHead(response: EngineResponse, context: ErrorContext, deadline: Deadline): Promise<void> {
  const contentType = header(response, 'content-type') ?? '';
  if (response.statusCode === 200 && /^text\/event-stream\b/i.test(contentType)) return;
  deadline.limit(errorBodyMs);
  const report = readErrorBody(response.statusCode, await readText(response));
  if (response.statusCode === 200) {
    const detail = `the engine answered ${contentType || 'no content type'} instead of a stream: ${toLogText(report.message)}`;
    throw new FoveaError('BACKEND_ERROR', { detail });
  }
  throw toFoveaError(report, { ...context, retryAfter: header(response, 'retry-after') });
}

/** An engine behind OpenAI's HTTP protocol: vLLM, or our gpu-worker-shim (DESIGN D3). */
class OpenAiHttpBackend extends Backend {
  readonly #connection: EngineConnection;
  readonly #options: OpenAiHttpBackendOptions;

  constructor(options: OpenAiHttpBackendOptions) {
    super();
    this.#options = options;
    const { baseUrl, apiKey, connections = 256 } = options;
    this.#connection = new EngineConnection({ baseUrl, apiKey, connections });
  }

  override async *generate(
    request: ChatGeneration,
    signal: AbortSignal,
  ): AsyncGenerator<readonly GenerationEvent[]> {
    const { requestTimeoutMs: totalMs, idleTimeoutMs: idleMs } = this.#options;
    const deadline = new Deadline(signal, { totalMs, idleMs });
    const context = errorContext(request);
    const reader = new ChatReader(request.sampling.n ?? 1, context);
    try {
      deadline.signal.throwIfAborted();
      const response = await this.#send(request, deadline.signal);
      await checkHead(response, context, deadline);
      yield* readAnswer(response, reader, deadline);
    } catch (error) {
      // The answer is complete; only the connection's leave-taking failed.
      if (reader.isDone) return;
      throw deadline.signal.aborted ? deadline.signal.reason : toBackendError(error);
    } finally {
      deadline.dispose();
    }
  }

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
    if (statusCode !== 200) throw toFoveaError(readErrorBody(statusCode, text), { imagePaths: [] });
    return readMetrics(text);
  }

  override async embed(request: EmbedRequest, signal: AbortSignal): Promise<EmbedAnswer> {
    const { requestId, model, inputs, dimensions } = request;
    const body = { model, input: inputs, encoding_format: 'base64', dimensions };
    return readEmbeddings(await this.#pool('/v1/embeddings', requestId, body, signal), request);
  }

  override async rerank(request: RerankRequest, signal: AbortSignal): Promise<RerankAnswer> {
    const { requestId, model, query, documents } = request;
    return readScores(
      await this.#pool('/v1/rerank', requestId, { model, query, documents }, signal),
      request,
    );
  }

  override async models(signal: AbortSignal): Promise<EngineModel[]> {
    const { statusCode, text } = await this.#ask('/v1/models', signal);
    if (statusCode !== 200) throw toFoveaError(readErrorBody(statusCode, text), { imagePaths: [] });
    const parsed = modelListSchema.safeParse(parseJson(text));
    if (!parsed.success) {
      const detail = `/v1/models is not vLLM’s list with max_model_len: ${z.prettifyError(parsed.error)}`;
      throw new FoveaError('BACKEND_ERROR', { detail });
    }
    return parsed.data.data.map(({ id, max_model_len }) => ({ id, maxModelLen: max_model_len }));
  }

  override close(): Promise<void> {
    return this.#connection.close();
  }

  #send(request: ChatGeneration, signal: AbortSignal): Promise<EngineResponse> {
    const { samplingDefaults = apiDefaults, returnTokenIds = false } = this.#options;
    const parameters = toWireParameters(request, { samplingDefaults, returnTokenIds });
    const body = createRequestBody(request.messages, parameters);
    const headers = { accept: 'text/event-stream', 'x-request-id': request.requestId };
    return this.#connection.post('/v1/chat/completions', body, headers, signal);
  }

  /** The JSON answer to a request of one of the pooling routes. */
  async #pool(path: string, requestId: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    const deadline = new Deadline(signal, { totalMs: this.#options.requestTimeoutMs });
    try {
      deadline.signal.throwIfAborted();
      const headers = { 'x-request-id': requestId };
      const response = await this.#connection.post(path, createJsonBody(body), headers, deadline.signal);
      const text = await readText(response, maxPoolingBytes);
      if (response.statusCode === 200) return parseJson(text);
      const context = { imagePaths: [], retryAfter: header(response, 'retry-after') };
      throw toFoveaError(readErrorBody(response.statusCode, text), context);
    } catch (error) {
      throw deadline.signal.aborted ? deadline.signal.reason : toBackendError(error);
    } finally {
      deadline.dispose();
    }
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

/** What one read of the socket means; the error that ends it comes after the events that were sound. */
function readPiece(
  payloads: () => readonly string[],
  reader: ChatReader,
): { events: GenerationEvent[]; error?: unknown } {
  const events: GenerationEvent[] = [];
  try {
    for (const data of payloads()) events.push(...reader.read(data));
    return { events };
  } catch (error) {
    return { events, error };
  }
}

/** Leaving this loop, by whatever way, destroys the response's socket unless its body has ended. */
async function* readAnswer(
  response: EngineResponse,
  reader: ChatReader,
  deadline: Deadline,
): AsyncGenerator<readonly GenerationEvent[]> {
  const decoder = new SseDecoder();
  for await (const bytes of response.body) {
    if (reader.isDone) continue;
    deadline.stopIdle();
    const { events, error } = readPiece(() => decoder.push(bytes), reader);
    if (events.length > 0) yield events;
    if (error !== undefined) throw error;
    if (reader.isDone) deadline.limit(trailingMs);
    else deadline.startIdle();
  }
  const { events, error } = readPiece(() => decoder.end(), reader);
  if (events.length > 0) yield events;
  if (error !== undefined) throw error;
  reader.checkComplete();
}

/** A backend for one engine. Throws when `baseUrl` is not an HTTP address. Opens no connection yet. */
export function createOpenAiHttpBackend(options: OpenAiHttpBackendOptions): Backend {
  return new OpenAiHttpBackend(options);
}
