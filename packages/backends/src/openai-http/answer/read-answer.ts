import type { GenerationEvent } from '@fovea/schemas/events';
import type { Deadline } from '../transport/deadline.js';
import type { EngineResponse } from '../transport/engine-connection.js';
import type { AnswerReader } from './answer-reader.js';
import { SseDecoder } from './sse-decoder.js';

/** How long the rest of a body may take once its answer is complete; then the connection is given up. */
const trailingMs = 1000;

/** What one read of the socket means; the error that ends it comes after the events that were sound. */
function readPiece(
  payloads: () => readonly string[],
  reader: AnswerReader,
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
export async function* readAnswer(
  response: EngineResponse,
  reader: AnswerReader,
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
