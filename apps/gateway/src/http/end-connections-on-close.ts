import type { FastifyInstance } from 'fastify';

/**
 * Closing waits for every connection, and one that answers while the server closes would stay open for its keep-alive
 * time (72 s) after the answer; so each is ended with its answer.
 */
export function endConnectionsOnClose(fastify: FastifyInstance): void {
  let isClosing = false;
  fastify.addHook('preClose', async () => {
    isClosing = true;
  });
  fastify.addHook('onResponse', async (request) => {
    if (isClosing) request.raw.socket.destroySoon();
  });
}
