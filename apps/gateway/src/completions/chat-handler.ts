import type { BlobStore } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { GatewayTelemetry } from '@fovea/observability';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { fromEvent } from '../http/error-body.js';
import { type Exchange, openExchange } from '../http/exchange.js';
import { contextOf, tenantOf } from '../http/request-context.js';
import { SseResponse } from '../http/sse-response.js';
import type { BodyReader, ReadBody } from '../ingest/body-reader.js';
import type { ImageIntake } from '../ingest/image-intake.js';
import { chatMedia } from '../ingest/media/media-places.js';
import type { ReceiveUpload } from '../upload/receive-upload.js';
import type { AnswerHead } from './answer/answer-head.js';
import { ChatAnswer } from './answer/chat-answer.js';
import { ChatChunks, sseError } from './answer/chat-chunks.js';
import { withInlineReasoning } from './answer/inline-reasoning.js';
import { type BegunAnswer, beginAnswer, collectAnswer, relayStream } from './answer/relay.js';
import { type ChatEnd, ChatTelemetry } from './chat-telemetry.js';
import type { AcceptedChat, RunChat } from './run-chat.js';

export interface ChatHandlerPorts {
  readonly upload: ReceiveUpload;
  readonly reader: BodyReader;
  readonly images: ImageIntake;
  readonly blobs: BlobStore;
  readonly chat: RunChat;
  readonly telemetry: GatewayTelemetry;
  readonly requestTimeoutS: number;
}

/** `POST /chat/completions` from the raw body to the last byte of the answer. */
export class ChatHandler {
  constructor(private readonly ports: ChatHandlerPorts) {}

  async handle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { id, startedAtMs } = contextOf(request);
    const exchange = openExchange(reply.raw, startedAtMs, this.ports.requestTimeoutS);
    try {
      const { accepted, bytesIn } = await this.#accept(request, reply, exchange);
      const model = accepted.listing.model.name;
      const start = { requestId: id, model, images: accepted.images, bytesIn };
      const telemetry = new ChatTelemetry(this.ports.telemetry, start, startedAtMs);
      telemetry.finished(await this.#answer(request, reply, accepted, exchange, telemetry));
    } finally {
      exchange.close();
    }
  }

  /** Reads and judges the request. What was stored for one that is refused is deleted at once. */
  async #accept(
    request: FastifyRequest,
    reply: FastifyReply,
    exchange: Exchange,
  ): Promise<{ accepted: AcceptedChat; bytesIn: number }> {
    const { id } = contextOf(request);
    const tenant = tenantOf(request);
    let bytesIn = 0;
    try {
      const body = await this.#readBody(request, reply, exchange);
      bytesIn = body.byteSize;
      const accepted = await this.ports.chat.accept({
        requestId: id,
        tenant,
        body,
        nice: isNice(request),
        deadlineAtMs: exchange.deadlineAtMs,
        traceparent: headerText(request, 'traceparent'),
        signal: exchange.signal,
      });
      return { accepted, bytesIn };
    } catch (thrown) {
      await this.ports.blobs.release(id, { linger: false });
      const { code, status, limit } = FoveaError.from(thrown);
      const route = request.routeOptions.url;
      this.ports.telemetry.requestRejected({
        code,
        status,
        requestId: id,
        tenant,
        route,
        bytesIn,
        limit: limit?.name,
      });
      throw thrown;
    }
  }

  async #readBody(request: FastifyRequest, reply: FastifyReply, { signal }: Exchange): Promise<ReadBody> {
    requireJson(request);
    const owner = { tenant: tenantOf(request), requestId: contextOf(request).id, signal };
    return this.ports.upload.receive(request, reply, (body) =>
      this.ports.reader.read(body, {
        sink: (bytes, path) => this.ports.images.store(bytes, path, owner),
        signal,
        places: chatMedia,
      }),
    );
  }

  /** Sends the answer; what goes wrong after the first byte ends the stream, what goes wrong before is thrown. */
  async #answer(
    request: FastifyRequest,
    reply: FastifyReply,
    accepted: AcceptedChat,
    exchange: Exchange,
    telemetry: ChatTelemetry,
  ): Promise<ChatEnd> {
    let begun: BegunAnswer | undefined;
    try {
      begun = await beginAnswer(accepted.entries);
      if (accepted.listing.package.capabilities.reasoning === 'inline') {
        begun = { ...begun, entries: withInlineReasoning(begun.entries) };
      }
      telemetry.firstOutput();
      setAnswerHeaders(reply, accepted, begun);
      const head = answerHead(request, accepted);
      if (accepted.request.wire.stream === true)
        return await this.#stream(reply, accepted, begun, exchange, head);
      const { wire } = accepted.request;
      const answer = new ChatAnswer(head, wire.n ?? 1, wire.logprobs === true);
      const { wire: body, end } = await collectAnswer(begun.entries, answer);
      reply.code(200).header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(body));
      return { status: 200, usage: end.usage, queueTimeMs: begun.queueTimeMs, error: undefined };
    } catch (thrown) {
      const error = FoveaError.from(thrown);
      telemetry.finished({ status: error.status, usage: undefined, queueTimeMs: begun?.queueTimeMs, error });
      throw thrown;
    }
  }

  async #stream(
    reply: FastifyReply,
    accepted: AcceptedChat,
    begun: BegunAnswer,
    exchange: Exchange,
    head: AnswerHead,
  ): Promise<ChatEnd> {
    const { wire } = accepted.request;
    const chunks = new ChatChunks({
      head,
      choices: wire.n ?? 1,
      includeUsage: wire.stream_options?.include_usage === true,
      logprobs: wire.logprobs === true,
    });
    reply.hijack();
    const sse = new SseResponse(reply.raw, plainHeaders(reply), exchange.signal);
    const { queueTimeMs } = begun;
    try {
      const end = await relayStream(begun.entries, chunks, sse);
      const error = end.type === 'error' ? fromEvent(end) : undefined;
      return { status: 200, usage: end.usage, queueTimeMs, error };
    } catch (thrown) {
      const error = FoveaError.from(thrown);
      if (error.code !== 'CLIENT_CLOSED') sse.break(sseError(error, undefined));
      return { status: 200, usage: undefined, queueTimeMs, error };
    }
  }
}

function requireJson(request: FastifyRequest): void {
  const type = headerText(request, 'content-type') ?? '';
  if (/^application\/json\s*(;|$)/i.test(type.trim())) return;
  const found = type === '' ? 'nothing' : `"${type.slice(0, 100)}"`;
  throw new FoveaError('UNSUPPORTED_MEDIA_TYPE', {
    message: `Expected the content type application/json, found ${found}.`,
  });
}

function headerText(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

function isNice(request: FastifyRequest): boolean {
  const query = new URLSearchParams(request.url.split('?')[1] ?? '');
  return query.get('nice') === 'true';
}

const answerHead = (request: FastifyRequest, accepted: AcceptedChat): AnswerHead => ({
  id: `chatcmpl-${contextOf(request).id}`,
  created: Math.floor(Date.now() / 1000),
  model: accepted.listing.model.name,
});

function setAnswerHeaders(reply: FastifyReply, accepted: AcceptedChat, begun: BegunAnswer): void {
  if (begun.queueTimeMs !== undefined) reply.header('x-queue-time-ms', Math.round(begun.queueTimeMs));
  if (accepted.ignored.length > 0) reply.header('x-ignored-params', headerList(accepted.ignored));
}

/** Key names are a client's text; only what may stand in a header is echoed, and not without bound. */
const headerList = (names: readonly string[]): string =>
  names
    .slice(0, 32)
    .map((name) => encodeURIComponent(name).slice(0, 64))
    .join(', ');

function plainHeaders(reply: FastifyReply): Record<string, string | number> {
  const headers: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (typeof value === 'string' || typeof value === 'number') headers[name] = value;
  }
  return headers;
}
