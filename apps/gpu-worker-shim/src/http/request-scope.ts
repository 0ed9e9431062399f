import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

const MAX_REQUEST_ID_CHARACTERS = 256;

/** vLLM's rule: the header wins over the body's field; neither given, it is random. */
export function requestIdOf(request: FastifyRequest, fromBody: string | null | undefined): string {
  const header = request.headers['x-request-id'];
  const given = (typeof header === 'string' ? header : undefined) || fromBody;
  return given ? given.slice(0, MAX_REQUEST_ID_CHARACTERS) : randomUUID().replaceAll('-', '');
}

/**
 * Closing the connection is the only abort there is. Not `AbortSignal.any`: on Node 20 it leaks when one of its
 * sources lives as long as the process.
 */
export function abortOnClose(reply: FastifyReply, shutdown: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const onShutdown = () => controller.abort(shutdown.reason);
  const onClose = () => {
    shutdown.removeEventListener('abort', onShutdown);
    if (!reply.raw.writableFinished) controller.abort(new Error('The client closed the connection.'));
  };
  if (shutdown.aborted) onShutdown();
  if (reply.raw.destroyed) onClose();
  shutdown.addEventListener('abort', onShutdown, { once: true });
  reply.raw.once('close', onClose);
  return controller.signal;
}
