import { FoveaError } from '@fovea/errors';
import {
  type ErrorEvent,
  type GenerationEnd,
  type GenerationEvent,
  isTerminal,
  type Usage,
} from '@fovea/schemas/events';
import type { FastifyReply } from 'fastify';
import { fromEvent } from '../http/error-body.js';
import { SseResponse } from '../http/sse-response.js';
import { type BegunAnswer, endless } from './begin-answer.js';
import { plainHeaders } from './request-head.js';
import type { RequestResult } from './request-telemetry.js';

/** How one dialect writes a stream. Each method returns whole server-sent events. */
export interface StreamFrames {
  /** Those of one event; often none. */
  frames(event: GenerationEvent): string;
  /** After the last one of a stream that is complete. */
  readonly done: string;
  /** In place of `done`, when the stream breaks. */
  failure(error: FoveaError, usage: Usage | undefined): string;
}

/** Sends an answer that began as server-sent events. What goes wrong from here on ends the stream; nothing is thrown. */
export async function streamAnswer(
  reply: FastifyReply,
  { entries, queueTimeMs }: BegunAnswer,
  dialect: StreamFrames,
  signal: AbortSignal,
): Promise<RequestResult> {
  reply.hijack();
  const sse = new SseResponse(reply.raw, plainHeaders(reply), signal);
  try {
    const end = await relayStream(entries, dialect, sse);
    const error = end.type === 'error' ? fromEvent(end) : undefined;
    return { status: 200, usage: end.usage, queueTimeMs, error };
  } catch (thrown) {
    const error = FoveaError.from(thrown);
    if (error.code !== 'CLIENT_CLOSED') sse.break(dialect.failure(error, undefined));
    return { status: 200, usage: undefined, queueTimeMs, error };
  }
}

/**
 * Relays entries as server-sent events, one write per entry. A stream that breaks ends with an error event and
 * without the dialect's end; the terminal event is returned either way.
 */
export async function relayStream(
  entries: BegunAnswer['entries'],
  dialect: StreamFrames,
  sse: SseResponse,
): Promise<GenerationEnd | ErrorEvent> {
  for await (const { events } of entries) {
    let frames = '';
    for (const event of events) {
      if (event.type === 'error') {
        sse.break(frames + dialect.failure(fromEvent(event), event.usage));
        return event;
      }
      frames += dialect.frames(event);
      if (!isTerminal(event)) continue;
      sse.end(frames + dialect.done);
      return event;
    }
    if (frames !== '') await sse.write(frames);
  }
  throw endless();
}
