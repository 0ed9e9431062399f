import { FoveaError } from '@fovea/errors';
import type { Logger } from '@fovea/observability';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OnTurnedAway } from './door.js';
import { openContext } from './request-context.js';
import { sendError } from './send-error.js';

/** Answers in our form what no route is looked for: for `frameworkErrors`, where Fastify has no hooks. */
export function createUnroutedHandler(logger: Logger, onTurnedAway: OnTurnedAway) {
  return (cause: Error & { code?: string }, request: FastifyRequest, reply: FastifyReply): void => {
    const about = `The path ${cause.code === 'FST_ERR_MAX_PARAM_LENGTH' ? 'is too long' : 'is not valid'}.`;
    refuseUnrouted(
      request,
      reply,
      new FoveaError('INVALID_REQUEST', { message: about, cause }),
      logger,
      onTurnedAway,
    );
  };
}

/** Refuses a request that the door has not seen. */
export function refuseUnrouted(
  request: FastifyRequest,
  reply: FastifyReply,
  error: FoveaError,
  logger: Logger,
  onTurnedAway: OnTurnedAway,
): void {
  const { id: requestId } = openContext(request);
  reply.header('x-request-id', requestId);
  onTurnedAway({ code: error.code, status: error.status, requestId });
  sendError(request, reply, error, logger);
}
