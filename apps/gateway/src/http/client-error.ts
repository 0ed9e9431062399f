import { maxHeaderSize, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { FoveaError } from '@fovea/errors';
import type { OnTurnedAway } from './door.js';
import { toOpenAiBody } from './error-body.js';
import { isLeaving, lingerAfterLastWords } from './linger.js';

const codes: Record<string, FoveaError['code']> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
};
const limits: Partial<Record<FoveaError['code'], FoveaError['limit']>> = {
  HEADERS_TOO_LARGE: { name: 'max_header_bytes', value: maxHeaderSize },
};
const messages: Partial<Record<FoveaError['code'], string>> = {
  INVALID_REQUEST: 'This is not a valid HTTP request.',
  REQUEST_TIMEOUT: 'The headers took too long.',
};

/**
 * Answers what is no HTTP request at all, in our form, and closes. `onTurnedAway` hears of what no handler has seen.
 */
export function createClientErrorHandler(onTurnedAway: OnTurnedAway) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const response = responseOn(socket);
    if (response?.headersSent === true) {
      // The last answer of a connection brings its end with it. Bytes of another in its middle would be taken for a
      // part of it.
      if (!isLeaving(socket)) socket.destroy();
      return;
    }
    const code = codes[error.code ?? ''] ?? 'INVALID_REQUEST';
    const message = messages[code];
    const answer = new FoveaError(code, {
      ...(message === undefined ? {} : { message }),
      limit: limits[code],
    });
    if (response === undefined) onTurnedAway({ code, status: answer.status });
    lingerAfterLastWords(socket, answerText(answer));
  };
}

function answerText(answer: FoveaError): string {
  const body = JSON.stringify(toOpenAiBody(answer));
  const head = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? 'Error'}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

interface OpenResponse {
  readonly headersSent?: boolean;
}

/** The response of the request that is being handled on this connection, if any. */
function responseOn(socket: Socket): OpenResponse | undefined {
  return (socket as { _httpMessage?: OpenResponse | null })._httpMessage ?? undefined;
}
