import { FoveaError } from '@fovea/errors';
import { type ErrorEvent, type GenerationEnd, type GenerationEvent, isTerminal } from '@fovea/schemas/events';
import type { ChatAnswerWire } from '@fovea/schemas/http';
import type { StreamEntry } from '@fovea/token-stream';
import { fromEvent } from '../../http/error-body.js';
import type { SseResponse } from '../../http/sse-response.js';
import type { ChatAnswer } from './chat-answer.js';
import { type ChatChunks, SSE_DONE, sseError, sseFrame } from './chat-chunks.js';

type Entries = AsyncIterable<StreamEntry>;

/** An answer that began: its first entry has been read and is no error. */
export interface BegunAnswer {
  readonly entries: Entries;
  /** Milliseconds the job waited in its lane, as the worker saw it. */
  readonly queueTimeMs: number | undefined;
}

/**
 * Waits for the first entry, so that an error before any output is still an HTTP status and can be retried.
 * Throws the error of a leading error event.
 */
export async function beginAnswer(source: AsyncGenerator<StreamEntry>): Promise<BegunAnswer> {
  const first = await source.next();
  if (first.done === true)
    throw new FoveaError('INTERNAL', { detail: 'a stream ended without a terminal event' });
  const events = first.value.events;
  const [begin] = events.filter((event) => event.type !== 'generation-start');
  if (begin?.type === 'error') {
    await source.return(undefined);
    throw fromEvent(begin);
  }
  const start = events.find((event) => event.type === 'generation-start');
  return { entries: prepend(first.value, source), queueTimeMs: start?.queueTimeMs };
}

async function* prepend(first: StreamEntry, rest: AsyncGenerator<StreamEntry>): AsyncGenerator<StreamEntry> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

/** Collects one JSON answer. Throws the error of an error event. */
export async function collectAnswer(
  entries: Entries,
  answer: ChatAnswer,
): Promise<{ wire: ChatAnswerWire; end: GenerationEnd }> {
  for await (const { events } of entries) {
    for (const event of events) {
      if (event.type === 'error') throw fromEvent(event);
      const wire = answer.add(event);
      if (wire !== undefined && event.type === 'generation-end') return { wire, end: event };
    }
  }
  throw new FoveaError('INTERNAL', { detail: 'a stream ended without a terminal event' });
}

/**
 * Relays entries as server-sent events, one write per entry. A stream that breaks ends with an error event and
 * without `[DONE]`; the terminal event is returned either way.
 */
export async function relayStream(
  entries: Entries,
  chunks: ChatChunks,
  sse: SseResponse,
): Promise<GenerationEnd | ErrorEvent> {
  for await (const { events } of entries) {
    let frames = '';
    for (const event of events) {
      for (const chunk of chunks.translate(event)) frames += sseFrame(chunk);
      if (!isTerminal(event)) continue;
      endStream(event, frames, sse);
      return event;
    }
    if (frames !== '') await sse.write(frames);
  }
  throw new FoveaError('INTERNAL', { detail: 'a stream ended without a terminal event' });
}

function endStream(event: GenerationEvent, frames: string, sse: SseResponse): void {
  if (event.type === 'error') sse.break(frames + sseError(fromEvent(event), event.usage));
  else sse.end(frames + SSE_DONE);
}
