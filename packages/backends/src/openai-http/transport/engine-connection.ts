import type { Readable } from 'node:stream';
import { FoveaError } from '@fovea/errors';
import { type Dispatcher, Pool } from 'undici';
import { EngineGoneError } from '../../engine-gone.js';
import type { RequestBody } from './request-body.js';

export interface EngineConnectionOptions {
  readonly baseUrl: string;
  readonly apiKey?: string | undefined;
  readonly connections: number;
}

export type EngineResponse = Dispatcher.ResponseData;

/** vLLM closes idle connections after 5 s; ours have to be gone before. */
const keepAliveTimeoutMs = 3000;
const connectTimeoutMs = 5000;
const maxTextBytes = 1024 * 1024;

/** Error codes of a connection that broke, as undici and the kernel name them. */
const resets = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Origin and path prefix of an engine; a trailing `/v1`, as OpenAI clients write it, is left out. */
function parseBaseUrl(baseUrl: string): { origin: string; prefix: string } {
  const url = new URL(baseUrl);
  if (!['http:', 'https:'].includes(url.protocol)) {
    throw new Error(`an engine url has to start with http:// or https://, not ${url.protocol}`);
  }
  return { origin: url.origin, prefix: url.pathname.replace(/(?:\/v1)?\/*$/, '') };
}

function newPool(origin: string, connections: number): Pool {
  return new Pool(origin, {
    connections,
    pipelining: 1,
    keepAliveTimeout: keepAliveTimeoutMs,
    keepAliveMaxTimeout: keepAliveTimeoutMs,
    connect: { timeout: connectTimeoutMs },
    // Silence is no failure: a queue or a prefill may be long. Deadlines are the caller's.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/** The HTTP connections to one engine. Health checks have their own, so that work can't hold them up. */
export class EngineConnection {
  readonly #work: Pool;
  readonly #control: Pool;
  readonly #prefix: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(options: EngineConnectionOptions) {
    const { origin, prefix } = parseBaseUrl(options.baseUrl);
    this.#prefix = prefix;
    this.#work = newPool(origin, options.connections);
    this.#control = newPool(origin, 2);
    this.#headers = options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` };
  }

  /**
   * Sends a body in pieces; resolves with the response's head. undici writes an iterable without a stream in between and
   * asks for the next piece when the kernel has the one before, unless that is smaller than a socket's high-water mark
   * (64 KiB, TLS 16): what a body's memory that is used again relies on.
   */
  post(
    path: string,
    body: RequestBody,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<EngineResponse> {
    const all = {
      ...this.#headers,
      ...headers,
      'content-type': body.contentType ?? 'application/json',
      'content-length': `${body.byteLength}`,
    };
    return this.#withRetry(signal, () =>
      this.#work.request({
        method: 'POST',
        path: this.#prefix + path,
        headers: all,
        // Documented, but missing in its types.
        body: body.pieces() as unknown as Readable,
        signal,
      }),
    );
  }

  get(path: string, signal: AbortSignal): Promise<EngineResponse> {
    return this.#withRetry(signal, () =>
      this.#control.request({ method: 'GET', path: this.#prefix + path, headers: this.#headers, signal }),
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.#work.destroy(), this.#control.destroy()]);
  }

  /**
   * An idle connection may be closed by the engine in the moment we write to it. Nothing of a response has come
   * then, so the request is sent once more; a second reset is the engine's failure.
   */
  async #withRetry(signal: AbortSignal, send: () => Promise<EngineResponse>): Promise<EngineResponse> {
    try {
      return await untilAborted(send(), signal);
    } catch (error) {
      if (signal.aborted || !resets.has(codeOf(error) ?? '')) throw toBackendError(error);
    }
    return untilAborted(send(), signal).catch((error: unknown) => {
      throw toBackendError(error);
    });
  }
}

/**
 * undici notices the abort of a request that waits for a connection only when its turn has come. The caller is told at
 * once; the request leaves the line then, unsent.
 */
function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(toBackendError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    const settled = (): void => signal.removeEventListener('abort', onAbort);
    promise.then(resolve, reject).finally(settled);
  });
}

/** A broken or refused connection. Its address stays in the detail and the cause. */
export function toBackendError(error: unknown): FoveaError {
  if (FoveaError.isInstance(error)) return error;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const code = codeOf(error);
  return new FoveaError('BACKEND_ERROR', {
    cause: code === 'ECONNREFUSED' ? new EngineGoneError('nobody listens', { cause: error }) : error,
    detail: code === undefined ? text : `${code} ${text}`,
  });
}

/** A header of the response, the first of several. */
export function headerOf(response: EngineResponse, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The whole body as text, at most `maxBytes` of it: what comes after that is thrown away with the connection. */
export async function readText(response: EngineResponse, maxBytes = maxTextBytes): Promise<string> {
  const pieces: Buffer[] = [];
  let total = 0;
  for await (const piece of response.body) {
    const bytes = Buffer.from(piece);
    pieces.push(bytes);
    total += bytes.length;
    if (total >= maxBytes) break;
  }
  return Buffer.concat(pieces).subarray(0, maxBytes).toString('utf8');
}
