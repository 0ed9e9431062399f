import { Readable } from 'node:stream';
import type { Logger } from '@fovea/observability';
import type { FastifyReply } from 'fastify';
import type { RequestTelemetry } from '../../telemetry/shim-telemetry.js';
import { toVllmError } from '../vllm-error.js';

/** The last event of every stream. */
export const DONE = 'data: [DONE]\n\n';

/** One server-sent event. */
export const toEvent = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;

/** Writes an answer, as events or as a whole. */
export interface AnswerWriter<Piece> {
  /** What goes out with the first piece, the piece included. */
  first(piece: Piece): string;
  piece(piece: Piece): string;
  /** The end of a stream. */
  end(): string;
  /** The body of an answer in one. */
  whole(pieces: readonly Piece[]): unknown;
}

/** One running answer. */
export interface RunningAnswer<Piece> {
  readonly isStream: boolean;
  readonly pieces: AsyncGenerator<Piece, void>;
  readonly writer: AnswerWriter<Piece>;
  readonly telemetry: Pick<RequestTelemetry, 'ended'>;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/** Counts and logs a failed answer; returns the body a client gets, if there is still one. */
function fail(answer: RunningAnswer<never>, error: unknown) {
  const body = toVllmError(error);
  if (answer.signal.aborted) {
    answer.telemetry.ended('abort');
  } else if (body.error.code === 500) {
    answer.telemetry.ended('error');
    answer.logger.error({ err: error }, 'request failed');
  }
  return body;
}

async function* remaining<Piece>(answer: RunningAnswer<Piece>): AsyncGenerator<Piece, void> {
  for (;;) {
    const next = await answer.pieces.next();
    if (next.done === true) return;
    yield next.value;
  }
}

async function* events<Piece>(answer: RunningAnswer<Piece>, first: Piece): AsyncGenerator<string, void> {
  const { writer, telemetry } = answer;
  let hasEnded = false;
  try {
    yield writer.first(first);
    for await (const piece of remaining(answer)) yield writer.piece(piece);
    hasEnded = true;
    telemetry.ended('ok');
    yield writer.end();
  } catch (error) {
    hasEnded = true;
    yield toEvent(fail(answer as RunningAnswer<never>, error)) + DONE;
  } finally {
    // Neither ended nor failed: the reader has left in the middle.
    if (!hasEnded) telemetry.ended('abort');
    await answer.pieces.return();
  }
}

async function whole<Piece>(answer: RunningAnswer<Piece>, first: Piece): Promise<unknown> {
  const pieces = [first];
  for await (const piece of remaining(answer)) pieces.push(piece);
  answer.telemetry.ended('ok');
  return answer.writer.whole(pieces);
}

/** Sends an answer. The status is decided when the first piece is there, not before. */
export async function sendAnswer<Piece>(
  answer: RunningAnswer<Piece>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  try {
    const first = await answer.pieces.next();
    if (first.done === true) throw new Error('The model gave no piece.');
    if (!answer.isStream) return reply.send(await whole(answer, first.value));
    return reply
      .header('content-type', 'text/event-stream; charset=utf-8')
      .header('cache-control', 'no-cache')
      .send(Readable.from(events(answer, first.value), { objectMode: false }));
  } catch (error) {
    const body = fail(answer as RunningAnswer<never>, error);
    return reply.code(body.error.code).send(body);
  }
}
