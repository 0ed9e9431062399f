import { FoveaError } from '@fovea/errors';
import type { GenerationEnd, GenerationEvent } from '@fovea/schemas/events';
import type { StreamEntry } from '@fovea/token-stream';
import { fromEvent } from '../http/error-body.js';

/** An answer that began: its first entry has been read and is no error. */
export interface BegunAnswer {
  readonly entries: AsyncIterable<StreamEntry>;
  /** Milliseconds the job waited in its lane, as the worker saw it. */
  readonly queueTimeMs: number | undefined;
}

/**
 * Waits for the first entry, so that an error before any output is still an HTTP status and can be retried.
 * Throws the error of a leading error event.
 */
export async function beginAnswer(source: AsyncGenerator<StreamEntry>): Promise<BegunAnswer> {
  const first = await source.next();
  if (first.done === true) throw endless();
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

/** Hands every event to `add` and returns the last one. Throws the error of an error event. */
export async function collectEvents(
  entries: AsyncIterable<StreamEntry>,
  add: (event: GenerationEvent) => void,
): Promise<GenerationEnd> {
  for await (const { events } of entries) {
    for (const event of events) {
      if (event.type === 'error') throw fromEvent(event);
      add(event);
      if (event.type === 'generation-end') return event;
    }
  }
  throw endless();
}

export const endless = (): FoveaError =>
  new FoveaError('INTERNAL', { detail: 'a stream ended without a terminal event' });
