import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Exchange } from '../http/exchange.js';
import { contextOf } from '../http/request-context.js';
import { chatMedia } from '../ingest/media/media-places.js';
import { beginAnswer, collectEvents } from '../tasks/begin-answer.js';
import { streamAnswer } from '../tasks/relay-stream.js';
import { setAnswerHeaders } from '../tasks/request-head.js';
import type { RequestResult, RequestTelemetry } from '../tasks/request-telemetry.js';
import type { TaskRoute } from '../tasks/task-route.js';
import type { AcceptChat, AcceptedChat } from './accept-chat.js';
import type { AnswerHead } from './answer/answer-head.js';
import { ChatAnswer } from './answer/chat-answer.js';
import { ChatChunks } from './answer/chat-chunks.js';
import { withInlineReasoning } from './answer/inline-reasoning.js';

/** `POST /chat/completions` from the raw body to the last byte of the answer. */
export class ChatHandler {
  constructor(
    private readonly route: TaskRoute,
    private readonly chat: AcceptChat,
  ) {}

  handle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    return this.route.run(request, reply, {
      read: (asker) => this.route.readJson(request, reply, asker, chatMedia),
      accept: (body, asker) => this.chat.accept(body, asker),
      answer: (accepted, exchange, telemetry) => this.#answer(request, reply, accepted, exchange, telemetry),
    });
  }

  async #answer(
    request: FastifyRequest,
    reply: FastifyReply,
    { wire, listing, ignored, entries }: AcceptedChat,
    { signal }: Exchange,
    telemetry: RequestTelemetry,
  ): Promise<RequestResult> {
    const begun = await beginAnswer(entries);
    const { queueTimeMs } = begun;
    const isInline = listing.package.capabilities.reasoning === 'inline';
    const answered = isInline ? { ...begun, entries: withInlineReasoning(begun.entries) } : begun;
    telemetry.firstOutput(queueTimeMs);
    setAnswerHeaders(reply, { ignored, queueTimeMs });
    const head = answerHead(request, listing.model.name);
    const choices = wire.n ?? 1;
    const logprobs = wire.logprobs === true;
    if (wire.stream === true) {
      const includeUsage = wire.stream_options?.include_usage === true;
      return streamAnswer(reply, answered, new ChatChunks({ head, choices, includeUsage, logprobs }), signal);
    }
    const answer = new ChatAnswer(head, choices, logprobs);
    const end = await collectEvents(answered.entries, (event) => answer.add(event));
    const body = JSON.stringify(answer.toWire(end));
    reply.code(200).header('content-type', 'application/json; charset=utf-8').send(body);
    return { status: 200, usage: end.usage, queueTimeMs, error: undefined };
  }
}

const answerHead = (request: FastifyRequest, model: string): AnswerHead => ({
  id: `chatcmpl-${contextOf(request).id}`,
  created: Math.floor(Date.now() / 1000),
  model,
});
