import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { lingerAfterAnswer } from './linger.js';

/**
 * An answer that comes before the end of the body, a refusal as a rule, closes the connection in an orderly way
 * instead of reading the rest. A body that has arrived already is no reason to close.
 */
export function installEarlyAnswer(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const { raw } = request;
    if (!hasBody(raw) || raw.readableEnded) return done(null, payload);
    // What came with the headers is parsed within this turn of the loop.
    setImmediate(() => {
      if (raw.complete) raw.resume();
      else closeAfterAnswer(request, reply);
      done(null, payload);
    });
  });
}

/** Makes the answer that is about to be sent the last one of its connection. */
export function closeAfterAnswer({ raw }: FastifyRequest, reply: FastifyReply): void {
  reply.header('connection', 'close');
  lingerAfterAnswer(raw, reply.raw);
}

function hasBody({ headers }: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': transfer } = headers;
  return transfer !== undefined || (length !== undefined && Number(length) > 0);
}
