import { FoveaError } from '@fovea/errors';
import type { Logger, RequestRejection } from '@fovea/observability';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { KeyRing } from '../auth/key-ring.js';
import type { Principal } from '../auth/principal.js';
import { closeAfterAnswer } from './early-answer.js';
import { routePath } from './error-body.js';
import { framingError } from './framing.js';
import { contextOf, openContext } from './request-context.js';
import { sendError } from './send-error.js';

const publicPaths = new Set(['/', '/health', '/version', '/openapi.json', '/openapi.yaml', '/docs']);
const isPublic = (path: string): boolean =>
  publicPaths.has(path) || path.startsWith('/docs/') || path.startsWith('/playground/');

/** Hears of every request that is refused before a handler has seen it. */
export type OnTurnedAway = (refusal: RequestRejection) => void;

/**
 * What every request passes first: an id, and a key unless the path is public. Both are decided from headers alone,
 * before a byte of the body is read. Bodies are never parsed here; each route reads its own raw stream.
 */
export function installDoor(
  fastify: FastifyInstance,
  keys: KeyRing,
  logger: Logger,
  onTurnedAway: OnTurnedAway,
): void {
  const turnAway = (request: FastifyRequest, reply: FastifyReply, error: FoveaError): void => {
    const { code, status } = error;
    onTurnedAway({ code, status, requestId: contextOf(request).id, route: request.routeOptions.url });
    sendError(request, reply, error, logger);
  };
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, _payload, done) => done(null));
  fastify.addHook('onRequest', (request, reply, done) => {
    const context = openContext(request);
    reply.header('x-request-id', context.id);
    logger.debug({ requestId: context.id, label: context.label, route: request.routeOptions.url }, 'request');
    const misframed = framingError(request.raw);
    if (misframed !== undefined) {
      // Where such a request ends is a matter of opinion, so what follows it is not read as another.
      closeAfterAnswer(request, reply);
      return turnAway(request, reply, misframed);
    }
    if (request.method === 'OPTIONS' || isPublic(routePath(request.url))) return done();
    const admit = (principal: Principal | undefined): void => {
      context.principal = principal;
      if (principal === undefined) {
        reply.header('www-authenticate', 'Bearer');
        turnAway(request, reply, new FoveaError('UNAUTHORIZED'));
      } else {
        done();
      }
    };
    const found = keys.authenticate(request.headers.authorization);
    if (!(found instanceof Promise)) {
      admit(found);
      return;
    }
    const answered = (principal: Principal | undefined): void => {
      // Who left while Redis was asked has told so already: a handler would never hear of it.
      if (reply.raw.destroyed) turnAway(request, reply, new FoveaError('CLIENT_CLOSED'));
      else admit(principal);
    };
    found.then(answered, (error: unknown) => turnAway(request, reply, FoveaError.from(error)));
  });
}
