import { FoveaError } from '@fovea/errors';
import type { GenerationEvent } from '@fovea/schemas/events';
import type { Generation } from '../../index.js';
import { type ErrorContext, toFoveaError } from '../errors/engine-error.js';
import { readErrorBody } from '../errors/engine-report.js';
import { toLogText } from '../errors/public-text.js';
import type { Deadline, DeadlineOptions } from '../transport/deadline.js';
import {
  type EngineConnection,
  type EngineResponse,
  headerOf,
  readText,
  toBackendError,
} from '../transport/engine-connection.js';
import type { RequestBody } from '../transport/request-body.js';
import type { AnswerReader } from './answer-reader.js';
import { readAnswer } from './read-answer.js';
import type { WireOptions } from './wire-sampling.js';

/** How answers of an engine are asked for. */
export interface AnswerOptions extends WireOptions, DeadlineOptions {}

/** A question to one of the routes that answer with a stream. */
export interface AnswerQuestion {
  readonly path: string;
  readonly request: Pick<Generation, 'requestId' | 'traceparent'>;
  readonly body: RequestBody;
  readonly context: ErrorContext;
}

/** How long the body of an error may take. */
const errorBodyMs = 5000;

/** An answer that was not streamed is in memory as a whole. */
const maxWholeBytes = 16 * 1024 * 1024;

const traceparentForm = /^[\da-f]{2}(?:-[\da-f]+)+$/;

/** The headers of a request that becomes an answer. */
export function headersOf({ requestId, traceparent }: AnswerQuestion['request']): Record<string, string> {
  const headers = { accept: 'text/event-stream', 'x-request-id': requestId };
  if (traceparent === undefined || !traceparentForm.test(traceparent)) return headers;
  return { ...headers, traceparent };
}

/** Throws the catalogue error of anything but an answer. */
async function readHead(
  response: EngineResponse,
  context: ErrorContext,
  deadline: Deadline,
): Promise<'stream' | 'whole'> {
  const contentType = headerOf(response, 'content-type') ?? '';
  if (response.statusCode === 200 && /^text\/event-stream\b/i.test(contentType)) return 'stream';
  if (response.statusCode === 200 && /^application\/json\b/i.test(contentType)) return 'whole';
  deadline.limit(errorBodyMs);
  const report = readErrorBody(response.statusCode, await readText(response));
  if (response.statusCode !== 200)
    throw toFoveaError(report, { ...context, retryAfter: headerOf(response, 'retry-after') });
  const detail = `the engine answered ${contentType || 'no content type'} instead of a stream: ${toLogText(report.message)}`;
  throw new FoveaError('BACKEND_ERROR', { detail });
}

/** Sends a request once and yields what `reader` makes of the answer. Throws the catalogue error of what went wrong. */
export async function* askAnswer(
  connection: EngineConnection,
  { path, request, body, context }: AnswerQuestion,
  deadline: Deadline,
  reader: AnswerReader,
): AsyncGenerator<readonly GenerationEvent[]> {
  // The bound on an earlier attempt's error is none on this one.
  deadline.stopIdle();
  try {
    const response = await connection.post(path, body, headersOf(request), deadline.signal);
    if ((await readHead(response, context, deadline)) === 'stream') {
      yield* readAnswer(response, reader, deadline);
      return;
    }
    deadline.startIdle();
    yield reader.readWhole(await readText(response, maxWholeBytes));
  } catch (error) {
    // The answer is complete; only the connection's leave-taking failed.
    if (reader.isDone) return;
    throw deadline.signal.aborted ? deadline.signal.reason : toBackendError(error);
  }
}
