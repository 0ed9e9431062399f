import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { FoveaError } from '@fovea/errors';
import { toOpenAiBody } from './error-body.js';
import { isLeaving, lingerAfterLastWords } from './linger.js';

const codes: Record<string, FoveaError['code']> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
};
const messages: Partial<Record<FoveaError['code'], string>> = {
  INVALID_REQUEST: 'This is not a valid HTTP request.',
  REQUEST_TIMEOUT: 'The headers took too long.',
};

/** Answers what is no HTTP request at all, in our form, and closes. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  if (isAnswering(socket)) {
    // The last answer of a connection brings its end with it.
    if (!isLeaving(socket)) socket.destroy();
    return;
  }
  const code = codes[error.code ?? ''] ?? 'INVALID_REQUEST';
  const message = messages[code];
  const answer = new FoveaError(code, message === undefined ? {} : { message });
  const body = JSON.stringify(toOpenAiBody(answer));
  const head = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? 'Error'}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  lingerAfterLastWords(socket, `${head.join('\r\n')}\r\n\r\n${body}`);
}

/** An answer is on the wire already: bytes of another in its middle would be taken for a part of it. */
function isAnswering(socket: Socket): boolean {
  const { _httpMessage: response } = socket as { _httpMessage?: { readonly headersSent?: boolean } | null };
  return response?.headersSent === true;
}
