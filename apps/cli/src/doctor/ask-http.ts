import { request } from 'undici';
import { codeOf } from '../failure.js';

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** What a server answered, or why it did not. */
export type HttpAnswer =
  | { readonly status: number; readonly body: string; readonly clockSkewMs: number | undefined }
  | { readonly status: undefined; readonly reason: string };

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'unknown host',
  EAI_AGAIN: 'the host name cannot be looked up',
  ECONNRESET: 'connection reset',
  UND_ERR_SOCKET: 'it speaks no HTTP',
  HPE_INVALID_CONSTANT: 'it speaks no HTTP',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'no answer in time',
  ABORT_ERR: 'no answer in time',
};

/** The header tells whole seconds, so it is taken for the middle of one. */
function skewOf(date: unknown, askedAtMs: number, answeredAtMs: number): number | undefined {
  const toldMs = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  return Number.isNaN(toldMs) ? undefined : Math.round(toldMs + 500 - (askedAtMs + answeredAtMs) / 2);
}

/** One short GET. Never throws; nothing of the answer's text but `body`, which is the caller's to judge. */
export async function askHttp(
  url: string,
  key: string | undefined,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const askedAtMs = Date.now();
  try {
    const response = await request(url, {
      headers: {
        'user-agent': 'fovea-cli',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const clockSkewMs = skewOf(response.headers.date, askedAtMs, Date.now());
    let body = '';
    for await (const piece of response.body) {
      body += String(piece);
      if (body.length > MAX_BYTES) break;
    }
    return { status: response.statusCode, body, clockSkewMs };
  } catch (error) {
    signal.throwIfAborted();
    const isLate = error instanceof Error && error.name === 'TimeoutError';
    const code = codeOf(error);
    return {
      status: undefined,
      reason: isLate ? 'no answer in time' : (reasons[code] ?? (code || 'unknown reason')),
    };
  }
}
