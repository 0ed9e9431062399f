import { Readable } from 'node:stream';
import type { Logger } from '@fovea/observability';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ChatModel, ChatModelPiece } from '../../models/chat-model.js';
import type { RequestTelemetry, ShimTelemetry } from '../../telemetry/shim-telemetry.js';
import { abortOnClose, requestIdOf } from '../request-scope.js';
import type { ServedModels } from '../served-models.js';
import { toVllmError } from '../vllm-error.js';
import { type AnswerHead, toChatAnswer, UsageCount } from './chat-answer.js';
import { ChatChunks, DONE, toEvent } from './chat-chunks.js';
import { parseChatFields } from './chat-fields.js';
import { type AnswerForm, toAnswerForm, toChatModelRequest } from './chat-request.js';
import { assertChatRules } from './chat-rules.js';

export interface ChatRouteParts {
  readonly models: ServedModels;
  readonly telemetry: ShimTelemetry;
  readonly logger: Logger;
  /** Of the answers, and of `/version`. */
  readonly version: string;
  /** Aborts everything that still runs when the drain takes too long. */
  readonly shutdown: AbortSignal;
}

/** One running answer. */
interface Answer {
  readonly head: AnswerHead;
  readonly form: AnswerForm;
  readonly choices: number;
  readonly pieces: AsyncIterator<ChatModelPiece>;
  readonly usage: UsageCount;
  readonly telemetry: RequestTelemetry;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

function note(answer: Answer, piece: ChatModelPiece): ChatModelPiece {
  answer.usage.add(piece);
  answer.telemetry.tokens(piece.promptTokens, piece.tokenIds.length, piece.index);
  if (piece.end !== undefined) answer.telemetry.choiceEnded(piece.end.finishReason);
  return piece;
}

/** Counts and logs a failed answer; returns the body a client gets, if there is still one. */
function fail(answer: Answer, error: unknown) {
  const body = toVllmError(error);
  if (answer.signal.aborted) {
    answer.telemetry.ended('abort');
  } else if (body.error.code === 500) {
    answer.telemetry.ended('error');
    answer.logger.error({ err: error }, 'request failed');
  }
  return body;
}

async function* remaining(answer: Answer): AsyncGenerator<ChatModelPiece, void> {
  for (;;) {
    const next = await answer.pieces.next();
    if (next.done === true) return;
    yield note(answer, next.value);
  }
}

async function* events(answer: Answer, first: ChatModelPiece): AsyncGenerator<string, void> {
  const chunks = new ChatChunks(answer.head, answer.form, answer.choices, answer.usage);
  let outcome: 'ok' | undefined;
  try {
    yield chunks.roles(first) + chunks.piece(first);
    for await (const piece of remaining(answer)) yield chunks.piece(piece);
    outcome = 'ok';
    answer.telemetry.ended('ok');
    yield chunks.end();
  } catch (error) {
    outcome = 'ok';
    yield toEvent(fail(answer, error)) + DONE;
  } finally {
    // Neither ended nor failed: the reader has left in the middle.
    if (outcome === undefined) answer.telemetry.ended('abort');
    await answer.pieces.return?.();
  }
}

async function whole(answer: Answer, first: ChatModelPiece) {
  const pieces = [first];
  for await (const piece of remaining(answer)) pieces.push(piece);
  answer.telemetry.ended('ok');
  return toChatAnswer(answer.head, answer.form, pieces, answer.usage);
}

async function send(answer: Answer, reply: FastifyReply): Promise<FastifyReply> {
  try {
    const first = await answer.pieces.next();
    if (first.done === true) throw new Error('The model gave no piece.');
    note(answer, first.value);
    if (!answer.form.isStream) return reply.send(await whole(answer, first.value));
    return reply
      .header('content-type', 'text/event-stream; charset=utf-8')
      .header('cache-control', 'no-cache')
      .send(Readable.from(events(answer, first.value), { objectMode: false }));
  } catch (error) {
    const body = fail(answer, error);
    return reply.code(body.error.code).send(body);
  }
}

/** Registers `POST /v1/chat/completions`. The status is decided when the first token is there, not before. */
export function registerChatRoute(server: FastifyInstance, parts: ChatRouteParts): void {
  server.post('/v1/chat/completions', async (request, reply) => {
    const signal = abortOnClose(reply, parts.shutdown);
    const fields = parseChatFields(request.body);
    assertChatRules(fields);
    const model: ChatModel = parts.models.find(fields.model);
    const requestId = requestIdOf(request, fields.request_id);
    const logger = parts.logger.child({ requestId });
    const modelRequest = toChatModelRequest(fields, requestId, model);
    return send(
      {
        head: {
          id: `chatcmpl-${requestId}`,
          created: Math.floor(Date.now() / 1000),
          model: model.id,
          systemFingerprint: `fovea-shim-${parts.version}`,
        },
        form: toAnswerForm(fields),
        choices: modelRequest.choices,
        pieces: model.start(modelRequest, signal)[Symbol.asyncIterator](),
        usage: new UsageCount(),
        telemetry: parts.telemetry.request(model.id),
        signal,
        logger,
      },
      reply,
    );
  });
}
