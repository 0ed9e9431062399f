import type { Socket } from 'node:net';
import { FoveaError } from '@fovea/errors';
import { toOpenAiBody } from './error-body.js';

const codes: Record<string, FoveaError['code']> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
};

const reasons: Record<number, string> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

/** Answers what is no HTTP request at all, in our form, and closes. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const code = codes[error.code ?? ''] ?? 'INVALID_REQUEST';
  const message = code === 'INVALID_REQUEST' ? 'This is not a valid HTTP request.' : undefined;
  const answer = new FoveaError(code, message === undefined ? {} : { message });
  const body = JSON.stringify(toOpenAiBody(answer));
  if (socket.writable) {
    socket.end(
      `HTTP/1.1 ${answer.status} ${reasons[answer.status] ?? 'Error'}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  } else socket.destroy();
}
