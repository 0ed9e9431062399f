import type { IncomingMessage } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { FoveaError } from '@fovea/errors';
import type { Logger } from '@fovea/observability';
import type { FastifyInstance } from 'fastify';
import type { OnTurnedAway } from './door.js';
import { refuseUnrouted } from './unrouted.js';

/**
 * Closing waits for every connection, and one that answers while the server closes would stay open for its keep-alive
 * time (72 s) after the answer; so each is ended with its answer. One that has not sent a request yet is no idle one to Node,
 * which gives it the time that headers may take: it is ended at once. What comes while it closes is refused, in our form:
 * Fastify's own (`return503OnClosing`) has neither a code nor a `Retry-After`.
 */
export function endConnectionsOnClose(
  fastify: FastifyInstance,
  logger: Logger,
  onTurnedAway: OnTurnedAway,
): void {
  let isClosing = false;
  const silent = new Set<Socket>();
  const { server } = fastify;
  // With TLS a request names the socket inside of the one that was accepted.
  server.on(server instanceof HttpsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  for (const event of ['request', 'checkContinue', 'checkExpectation']) {
    server.on(event, ({ socket }: IncomingMessage) => silent.delete(socket));
  }
  fastify.addHook('preClose', async () => {
    isClosing = true;
    for (const socket of silent) socket.destroy();
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
