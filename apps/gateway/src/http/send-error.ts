import { FoveaError } from '@fovea/errors';
import type { Logger } from '@fovea/observability';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorBody, retryAfterS } from './error-body.js';
import { contextOf } from './request-context.js';

/** Answers with an error from the catalogue; anything else is a bug, logged whole and answered as `INTERNAL`. */
export function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  thrown: unknown,
  logger: Logger,
): void {
  const error = FoveaError.from(thrown);
  const requestId = contextOf(request).id;
  if (error.code === 'INTERNAL') logger.error({ requestId, err: thrown }, 'a request failed');
  else logger.debug({ requestId, code: error.code, param: error.param, detail: error.detail }, 'refused');
  if (reply.sent || reply.raw.headersSent || reply.raw.destroyed) return;
  const wait = retryAfterS(error);
  if (wait !== undefined) reply.header('retry-after', wait);
  // What OpenAI's SDKs go by before they look at the status.
  if (error.mayRetry === false) reply.header('x-should-retry', 'false');
  reply
    .code(error.status)
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify(errorBody(request.url, error)));
}
