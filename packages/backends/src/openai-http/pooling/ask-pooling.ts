import { toFoveaError } from '../errors/engine-error.js';
import { parseJson, readErrorBody } from '../errors/engine-report.js';
import type { Deadline } from '../transport/deadline.js';
import { type EngineConnection, headerOf, readText, toBackendError } from '../transport/engine-connection.js';
import { createJsonBody } from '../transport/json-body.js';

/** A thousand vectors of 4096 dimensions, or the documents that an engine repeats in its answer. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** A request to one of the routes that read a prompt and generate nothing. */
export interface PoolingQuestion {
  readonly path: string;
  readonly requestId: string;
  readonly body: unknown;
  /** The field that holds the texts, for errors. */
  readonly promptField: string;
}

/**
 * The engine’s JSON answer; undefined when it is none. Throws the catalogue error of what the engine reported, and
 * disposes the deadline.
 */
export async function askPooling(
  connection: EngineConnection,
  { path, requestId, body, promptField }: PoolingQuestion,
  deadline: Deadline,
): Promise<unknown> {
  const { signal } = deadline;
  try {
    signal.throwIfAborted();
    const response = await connection.post(path, createJsonBody(body), { 'x-request-id': requestId }, signal);
    const text = await readText(response, maxAnswerBytes);
    if (response.statusCode === 200) return parseJson(text);
    const context = { imagePaths: [], promptField, retryAfter: headerOf(response, 'retry-after') };
    throw toFoveaError(readErrorBody(response.statusCode, text), context);
  } catch (error) {
    throw signal.aborted ? signal.reason : toBackendError(error);
  } finally {
    deadline.dispose();
  }
}
