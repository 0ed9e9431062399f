import { FoveaError } from '@fovea/errors';
import type { GenerationEvent } from '@fovea/schemas/events';
import type { ChatGeneration, EngineMessage } from '../../index.js';
import { type ErrorContext, ImageCacheMissError, toFoveaError } from '../errors/engine-error.js';
import { readErrorBody } from '../errors/engine-report.js';
import { toLogText } from '../errors/public-text.js';
import { Deadline, type DeadlineOptions } from '../transport/deadline.js';
import {
  type EngineConnection,
  type EngineResponse,
  headerOf,
  readText,
  toBackendError,
} from '../transport/engine-connection.js';
import { createRequestBody } from '../transport/request-body.js';
import { AnswerReader } from '../answer/answer-reader.js';
import { readAnswer } from '../answer/read-answer.js';
import { toWireParameters, type WireOptions } from './wire-parameters.js';

export interface ChatOptions extends WireOptions, DeadlineOptions {}

/** How long the body of an error may take. */
const errorBodyMs = 5000;

/** An answer that was not streamed is in memory as a whole. */
const maxWholeBytes = 16 * 1024 * 1024;

const traceparentForm = /^[\da-f]{2}(?:-[\da-f]+)+$/;

function contextOf(messages: readonly EngineMessage[]): ErrorContext {
  const parts = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content));
  return { imagePaths: parts.flatMap((part) => (part.type === 'image' ? [part.image.path] : [])) };
}

function headersOf({ requestId, traceparent }: ChatGeneration): Record<string, string> {
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

async function* attempt(
  connection: EngineConnection,
  request: ChatGeneration,
  options: ChatOptions,
  deadline: Deadline,
  reader: AnswerReader,
): AsyncGenerator<readonly GenerationEvent[]> {
  const body = createRequestBody(request.messages, toWireParameters(request, options));
  const context = contextOf(request.messages);
  // The bound on an earlier attempt's error is none on this one.
  deadline.stopIdle();
  try {
    const response = await connection.post('/v1/chat/completions', body, headersOf(request), deadline.signal);
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

/** The same request, its images without the engine's keys for them; undefined when they have none. */
function withoutImageKeys(request: ChatGeneration): ChatGeneration | undefined {
  let hasKeys = false;
  const messages = request.messages.map((message): EngineMessage => {
    if (typeof message.content === 'string') return message;
    const content = message.content.map((part) => {
      if (part.type !== 'image' || part.image.uuid === undefined) return part;
      hasKeys = true;
      const { mediaType, byteSize, path, fileUrl } = part.image;
      const image = { mediaType, byteSize, path, chunks: () => part.image.chunks() };
      return { ...part, image: fileUrl === undefined ? image : { ...image, fileUrl } };
    });
    return { ...message, content };
  });
  return hasKeys ? { ...request, messages } : undefined;
}

/**
 * One chat on the engine, from its request to its last event. An engine whose two image caches disagree (vLLM issue
 * 31404) refuses the same image under the same key again and again; hashed by the engine itself it has another key, so
 * the request is sent once more without ours.
 */
export async function* generateChat(
  connection: EngineConnection,
  request: ChatGeneration,
  options: ChatOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly GenerationEvent[]> {
  const deadline = new Deadline(signal, options);
  const newReader = (): AnswerReader => new AnswerReader(request.sampling.n ?? 1, contextOf(request.messages));
  try {
    deadline.signal.throwIfAborted();
    const reader = newReader();
    try {
      yield* attempt(connection, request, options, deadline, reader);
    } catch (error) {
      const lostImage = error instanceof Error && error.cause instanceof ImageCacheMissError;
      const again = lostImage && !reader.hasOutput ? withoutImageKeys(request) : undefined;
      if (again === undefined) throw error;
      yield* attempt(connection, again, options, deadline, newReader());
    }
  } finally {
    deadline.dispose();
  }
}
