import { type Dispatcher, type FormData, request } from 'undici';
import type { z } from 'zod';
import type { Connection } from '../connection.js';
import { codeOf, exitCodes, Failure } from '../failure.js';
import { errorBodySchema, parseAnswer } from './answers.js';
import { errorSentence } from './error-sentence.js';

/** The gateway ends a request after 300 s; five more let its own answer arrive. */
const ANSWER_TIMEOUT_MS = 305_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'unknown host',
  EAI_AGAIN: 'the host name cannot be looked up',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed',
  UND_ERR_SOCKET: 'connection closed',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'no further answer in time',
};

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return reasons[code] ?? (code || 'unknown reason');
}

const headerText = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;

type Method = 'GET' | 'POST' | 'DELETE';
/** JSON, or a form. */
type Body = string | FormData;

/** The gateway's HTTP API as this command uses it. Every failure is a `Failure` with its sentence. */
export class Gateway {
  constructor(
    private readonly connection: Connection,
    private readonly signal: AbortSignal,
  ) {}

  /** Answers whose body has the shape of `schema`. */
  async json<Schema extends z.ZodType>(
    schema: Schema,
    method: Method,
    path: string,
    body?: Body,
  ): Promise<z.infer<Schema>> {
    const response = await this.send(method, path, body);
    const text = await this.readText(response);
    const answer = parseAnswer(schema, text);
    if (answer === undefined) throw this.foreign(response.statusCode);
    return answer;
  }

  /** The body as it is. */
  async text(method: Method, path: string, body?: Body): Promise<string> {
    return this.readText(await this.send(method, path, body));
  }

  /** Resolves when it is done; the answer has nothing in it. */
  async remove(path: string): Promise<void> {
    await this.text('DELETE', path);
  }

  /** Bytes of a stream. When the connection breaks, iterating throws `interrupted`. */
  async *stream(path: string, body: string): AsyncGenerator<Uint8Array> {
    const response = await this.send('POST', path, body);
    if (!headerText(response.headers['content-type'])?.startsWith('text/event-stream')) {
      response.body.destroy();
      throw this.foreign(response.statusCode);
    }
    try {
      for await (const piece of response.body) yield piece;
    } catch (cause) {
      this.signal.throwIfAborted();
      throw new Failure(exitCodes.interrupted, `The answer broke off (${reasonOf(cause)}).`, { cause });
    }
  }

  private async send(method: Method, path: string, body: Body | undefined): Promise<Dispatcher.ResponseData> {
    let response: Dispatcher.ResponseData;
    try {
      response = await request(`${this.connection.baseUrl}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.connection.key}`,
          'user-agent': 'fovea-cli',
          ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}),
        },
        body: body ?? null,
        headersTimeout: ANSWER_TIMEOUT_MS,
        bodyTimeout: ANSWER_TIMEOUT_MS,
        signal: this.signal,
      });
    } catch (cause) {
      this.signal.throwIfAborted();
      throw this.unreachable(cause);
    }
    if (response.statusCode !== 200 && response.statusCode !== 204) throw await this.refusal(response);
    return response;
  }

  private async readText(response: Dispatcher.ResponseData): Promise<string> {
    const pieces: Buffer[] = [];
    let byteCount = 0;
    try {
      for await (const piece of response.body) {
        byteCount += piece.length;
        if (byteCount > MAX_ANSWER_BYTES) throw this.foreign(response.statusCode);
        pieces.push(piece);
      }
    } catch (cause) {
      this.signal.throwIfAborted();
      if (cause instanceof Failure) throw cause;
      throw this.unreachable(cause);
    }
    return Buffer.concat(pieces).toString('utf8');
  }

  private async refusal(response: Dispatcher.ResponseData): Promise<Failure> {
    const body = parseAnswer(errorBodySchema, await this.readText(response));
    if (body === undefined) return this.foreign(response.statusCode);
    const facts = {
      requestId: headerText(response.headers['x-request-id']),
      retryAfter: headerText(response.headers['retry-after']),
    };
    return new Failure(exitCodes.refused, errorSentence(body, facts));
  }

  private unreachable(cause: unknown): Failure {
    const { baseUrl } = this.connection;
    return new Failure(
      exitCodes.unreachable,
      `No gateway answers at ${baseUrl} (${reasonOf(cause)}). Is it running there? --url names another address.`,
      { cause },
    );
  }

  private foreign(status: number): Failure {
    return new Failure(
      exitCodes.unreachable,
      `What answers at ${this.connection.baseUrl} does not speak this API (status ${status}). Is the URL right?`,
    );
  }
}
