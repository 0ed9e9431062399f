import { FoveaError } from '@fovea/errors';
import type { Logger } from '@fovea/observability';
import type { FastifyInstance } from 'fastify';
import type { OnTurnedAway } from './door.js';
import { refuseUnrouted } from './unrouted.js';

/**
 * Closing waits for every connection, and one that answers while the server closes would stay open for its keep-alive
 * time (72 s) after the answer; so each is ended with its answer. What comes while it closes is refused, in our form:
 * Fastify's own (`return503OnClosing`) has neither a code nor a `Retry-After`.
 */
export function endConnectionsOnClose(
  fastify: FastifyInstance,
  logger: Logger,
  onTurnedAway: OnTurnedAway,
): void {
  let isClosing = false;
  fastify.addHook('preClose', async () => {
    isClosing = true;
  });
  fastify.addHook('onRequest', (request, reply, done) => {
    if (!isClosing) return done();
    reply.header('connection', 'close');
    const error = new FoveaError('SERVICE_UNAVAILABLE', { message: 'This gateway is shutting down.' });
    refuseUnrouted(request, reply, error, logger, onTurnedAway);
  });
  fastify.addHook('onResponse', async (request) => {
    if (isClosing) request.raw.socket.destroySoon();
  });
}
