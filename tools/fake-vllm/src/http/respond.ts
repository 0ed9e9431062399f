import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorForm } from '../script/behaviour.js';
import { type ErrorFacts, errorBody, errorContentType } from './error-body.js';
import { VllmError } from './vllm-error.js';

/** Larger bodies are refused; vLLM itself knows no limit. */
export const maxBodyBytes = 512 * 1024 * 1024;

export function sendText(response: ServerResponse, status: number, text: string, contentType: string): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  sendText(response, status, JSON.stringify(value), 'application/json');
}

export function sendError(response: ServerResponse, facts: ErrorFacts, form?: ErrorForm): void {
  sendText(response, facts.status, errorBody(facts, form), errorContentType(form));
}

/**
 * Writes one piece and resolves when the kernel has it, so that a crash after it loses nothing.
 * Rejects when the connection closes first; the write's own error is left aside because `close` always follows.
 */
export function write(response: ServerResponse, piece: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error('connection closed'));
    if (response.destroyed) return closed();
    response.once('close', closed);
    response.write(piece, (error) => {
      if (error) return;
      response.off('close', closed);
      resolve();
    });
  });
}

/** The whole body; throws a `VllmError` (413) over `maxBytes`. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let total = 0;
  for await (const piece of request) {
    const bytes = Buffer.from(piece);
    total += bytes.length;
    if (total > maxBytes) throw new VllmError(413, `Request body exceeds ${maxBytes} bytes`);
    pieces.push(bytes);
  }
  return Buffer.concat(pieces);
}

/** The body as JSON of unknown shape; throws a `VllmError` (400) as FastAPI would. */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
    throw new VllmError(400, 'Unsupported Media Type: Only application/json is allowed', {
      type: 'Bad Request',
    });
  }
  const text = (await readBody(request, maxBytes)).toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    throw new VllmError(400, "[{'type': 'json_invalid', 'loc': ('body', 1), 'msg': 'JSON decode error'}]", {
      type: 'Bad Request',
    });
  }
}
