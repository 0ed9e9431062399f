import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { TranscriptionPiece } from '../../models/transcription-model.js';
import type { RequestTelemetry } from '../../telemetry/shim-telemetry.js';
import type { ChatRouteParts } from '../chat/chat-route.js';
import { DONE, toEvent } from '../generation/send-answer.js';
import { abortOnClose, requestIdOf } from '../request-scope.js';
import { MalformedRequest, toVllmError } from '../vllm-error.js';
import {
  TranscriptionChunks,
  type TranscriptionHead,
  TranscriptionUsage,
  toTranscriptionAnswer,
} from './transcription-answer.js';
import {
  FileExpected,
  MAX_FORM_BYTES,
  parseTranscriptionForm,
  type TranscriptionFields,
  type TranscriptionForm,
  toTranscriptionRequest,
} from './transcription-form.js';

type TranscriptionsRouteParts = Pick<ChatRouteParts, 'models' | 'telemetry' | 'logger' | 'shutdown'>;

/** One running answer. */
interface Answer {
  readonly head: TranscriptionHead;
  readonly fields: TranscriptionFields;
  readonly pieces: AsyncIterator<TranscriptionPiece>;
  readonly usage: TranscriptionUsage;
  readonly telemetry: RequestTelemetry;
  /** Counts and logs what was thrown; returns the body for the client. */
  fail(error: unknown): ReturnType<typeof toVllmError>;
}

function note(answer: Answer, piece: TranscriptionPiece): TranscriptionPiece {
  answer.usage.add(piece);
  answer.telemetry.tokens(piece.promptTokens, piece.tokens);
  return piece;
}

async function* remaining(answer: Answer): AsyncGenerator<TranscriptionPiece, void> {
  for (;;) {
    const next = await answer.pieces.next();
    if (next.done === true) return;
    yield note(answer, next.value);
  }
}

function succeed({ telemetry }: Answer): void {
  telemetry.choiceEnded('stop');
  telemetry.ended('ok');
}

async function* events(answer: Answer, first: TranscriptionPiece): AsyncGenerator<string, void> {
  const chunks = new TranscriptionChunks(answer.head, answer.fields, answer.usage);
  let hasEnded = false;
  try {
    yield chunks.piece(first);
    for await (const piece of remaining(answer)) yield chunks.piece(piece);
    hasEnded = true;
    succeed(answer);
    yield chunks.end() + DONE;
  } catch (error) {
    hasEnded = true;
    yield toEvent(answer.fail(error)) + DONE;
  } finally {
    // Neither ended nor failed: the reader has left in the middle.
    if (!hasEnded) answer.telemetry.ended('abort');
    await answer.pieces.return?.();
  }
}

async function send(answer: Answer, reply: FastifyReply): Promise<FastifyReply> {
  try {
    const first = await answer.pieces.next();
    if (first.done === true) throw new Error('The model gave no piece.');
    note(answer, first.value);
    if (answer.fields.stream) {
      return reply
        .header('content-type', 'text/event-stream; charset=utf-8')
        .header('cache-control', 'no-cache')
        .send(Readable.from(events(answer, first.value), { objectMode: false }));
    }
    const pieces = [first.value];
    for await (const piece of remaining(answer)) pieces.push(piece);
    succeed(answer);
    return reply.send(toTranscriptionAnswer(pieces, answer.fields.response_format));
  } catch (error) {
    const body = answer.fail(error);
    return reply.code(body.error.code).send(body);
  }
}

/** The form of a request, or what to answer instead. */
function formOf(request: FastifyRequest): TranscriptionForm {
  if (!(request.body instanceof Buffer)) throw new MalformedRequest('The body must be multipart/form-data.');
  return parseTranscriptionForm(request.body, request.headers['content-type'] ?? '');
}

function start(
  form: TranscriptionForm,
  request: FastifyRequest,
  signal: AbortSignal,
  parts: TranscriptionsRouteParts,
): Answer {
  const model = parts.models.findTranscription(form.fields.model);
  const requestId = requestIdOf(request, undefined);
  const telemetry = parts.telemetry.request(model.id);
  return {
    head: { id: `transcribe-${requestId}`, created: Math.floor(Date.now() / 1000), model: model.id },
    fields: form.fields,
    pieces: model.transcribe(toTranscriptionRequest(form), signal)[Symbol.asyncIterator](),
    usage: new TranscriptionUsage(),
    telemetry,
    fail(error) {
      const body = toVllmError(error);
      if (signal.aborted) {
        telemetry.ended('abort');
      } else if (body.error.code === 500) {
        telemetry.ended('error');
        parts.logger.error({ err: error, requestId }, 'request failed');
      }
      return body;
    },
  };
}

/**
 * Registers `POST /v1/audio/transcriptions`, which takes a form; no other route does. The status is decided when the
 * first window has been heard, not before.
 */
export function registerTranscriptionsRoute(server: FastifyInstance, parts: TranscriptionsRouteParts): void {
  server.register(async (scope) => {
    const limits = { parseAs: 'buffer', bodyLimit: MAX_FORM_BYTES } as const;
    scope.addContentTypeParser(
      'multipart/form-data',
      limits,
      async (_request: unknown, body: Buffer) => body,
    );
    scope.post('/v1/audio/transcriptions', async (request, reply) => {
      const signal = abortOnClose(reply, parts.shutdown);
      try {
        return await send(start(formOf(request), request, signal, parts), reply);
      } catch (error) {
        if (error instanceof FileExpected) return reply.code(422).send({ detail: error.message });
        throw error;
      }
    });
  });
}
