import { ProblemError, problemOf } from './problem.js';

export interface Call {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly key: string;
  /** JSON as a Blob, or a form. */
  readonly body?: Blob | FormData;
  readonly signal?: AbortSignal;
  /** Hears how many bytes of the body have left. */
  readonly onUpload?: (sent: number, total: number) => void;
  /** Hears the text of a good answer as it comes. */
  readonly onText?: (text: string) => void;
}

export interface Answer {
  readonly text: string;
  readonly requestId: string | undefined;
  /** Milliseconds in the queue, where the answer says so. */
  readonly queueTimeMs: number | undefined;
}

/**
 * One request. XMLHttpRequest, because `fetch` tells nothing about an upload that is under way; its answer grows
 * while it comes, so one way serves uploads and streams.
 *
 * @throws ProblemError for an error answer or none at all; DOMException `AbortError` when `signal` aborts.
 */
export function call(options: Call): Promise<Answer> {
  const { method = 'GET', path, key, body, signal, onUpload } = options;
  const request = new XMLHttpRequest();
  const answered = new Promise<Answer>((resolve, reject) => {
    request.open(method, path);
    request.setRequestHeader('authorization', `Bearer ${key}`);
    if (body instanceof Blob) request.setRequestHeader('content-type', 'application/json');
    request.upload.onprogress = ({ loaded, total }) => onUpload?.(loaded, total);
    const tellText = newTextOf(request, options.onText);
    let requestId: string | undefined;
    request.onreadystatechange = () => {
      // A connection that breaks takes the headers with it.
      requestId ??= request.getResponseHeader('x-request-id') ?? undefined;
      tellText();
    };
    request.onerror = () =>
      reject(new ProblemError(requestId === undefined ? offline : { ...brokenOff, requestId }));
    request.onabort = () => reject(new DOMException('stopped', 'AbortError'));
    request.onload = () => {
      const text = request.responseText;
      if (request.status >= 400) reject(new ProblemError(problemOf(request.status, text, requestId)));
      else resolve({ text, requestId, queueTimeMs: numberIn(request.getResponseHeader('x-queue-time-ms')) });
    };
  });
  if (signal?.aborted === true) return Promise.reject(new DOMException('stopped', 'AbortError'));
  const stop = (): void => request.abort();
  signal?.addEventListener('abort', stop);
  request.send(body ?? null);
  return answered.finally(() => signal?.removeEventListener('abort', stop));
}

/**
 * Browsers may throw away what came just before a connection broke, and with it the error event that the gateway sends
 * before it cuts a stream. Then this is all that is known.
 */
const brokenOff = { code: 'STREAM_INTERRUPTED', message: 'The answer broke off.' };
const offline = { code: 'OFFLINE', message: 'The gateway did not answer.' };

function newTextOf(request: XMLHttpRequest, onText: Call['onText']): () => void {
  let seen = 0;
  return () => {
    if (onText === undefined || request.readyState < XMLHttpRequest.LOADING || request.status !== 200) return;
    const text = request.responseText.slice(seen);
    seen += text.length;
    if (text !== '') onText(text);
  };
}

const numberIn = (header: string | null): number | undefined => {
  const value = Number(header ?? Number.NaN);
  return Number.isFinite(value) ? value : undefined;
};
