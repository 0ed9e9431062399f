import type { Socket } from 'node:net';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { createBearerCheck, isGuarded } from './bearer-auth.js';
import { BodyTooLarge } from './bodies/collect-body.js';
import { type JsonBodiesParts, registerJsonBodies } from './bodies/json-bodies.js';
import { type ChatRouteParts, registerChatRoute } from './chat/chat-route.js';
import { registerCompletionsRoute } from './completions/completions-route.js';
import { registerEmbeddingsRoute } from './embeddings/embeddings-route.js';
import { registerTokensRoutes } from './tokens/tokens-routes.js';
import { registerTranscriptionsRoute } from './transcriptions/transcriptions-route.js';
import { MalformedRequest, toVllmError, vllmError } from './vllm-error.js';

export interface ShimServerParts extends ChatRouteParts {
  readonly apiKey: string | undefined;
  /** In place of its own, for tests. */
  readonly bodies?: Pick<JsonBodiesParts, 'memory' | 'parser'>;
}

/** Room for 128 MiB of request at the gateway, whose images grow by a third as base64. */
export const MAX_BODY_BYTES = 192 * 1024 * 1024;

/** For a whole request to arrive; a body that never ends must not hold a connection for ever. */
const UPLOAD_TIMEOUT_MS = 300_000;

const NOT_FOUND = { detail: 'Not Found' };

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

function registerProbes(server: FastifyInstance, parts: ShimServerParts): void {
  const health = async () => parts.models.areHealthy;
  for (const url of ['/health', '/ping']) {
    server.get(url, async (_request, reply) => reply.code((await health()) ? 200 : 503).send());
  }
  // No content-type rule here: vLLM's POST form of /ping takes no body.
  server.post('/ping', async (_request, reply) => reply.code((await health()) ? 200 : 503).send());
  server.get('/version', async () => ({ version: parts.version }));
  server.get('/metrics', async (_request, reply) => {
    parts.telemetry.observeLoad(parts.models.all);
    return reply
      .header('content-type', parts.telemetry.registry.contentType)
      .send(await parts.telemetry.registry.metrics());
  });
}

/** What Fastify itself refuses, in the forms that vLLM's framework gives it. */
function refusal(error: FastifyError): unknown {
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new MalformedRequest("Unsupported Media Type: Only 'application/json' is allowed");
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new MalformedRequest('The body is not valid JSON.');
    default:
      // What breaks the stream of a body off is a 400 to Fastify.
      return error.statusCode === 400 ? new MalformedRequest('The body is not valid JSON.') : error;
  }
}

/** A path that exists under another method is 405; both bodies are what Starlette gives by default. */
function registerMisses(server: FastifyInstance): void {
  server.setNotFoundHandler((request, reply) => {
    const url = request.url.split('?')[0] ?? '';
    const allowed = METHODS.filter((method) => server.hasRoute({ method, url }));
    if (allowed.length === 0) return reply.code(404).send(NOT_FOUND);
    return reply.code(405).header('allow', allowed.join(', ')).send({ detail: 'Method Not Allowed' });
  });
}

function registerErrors(server: FastifyInstance, parts: ShimServerParts): void {
  server.setErrorHandler<FastifyError>((error, request, reply) => {
    if (error instanceof BodyTooLarge || error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
      const message = `The request body may have at most ${MAX_BODY_BYTES} bytes.`;
      return reply.code(413).send(vllmError(413, message));
    }
    const body = toVllmError(refusal(error));
    // Who has left aborts the work; that is no failure.
    const isOurs = body.error.code >= 500 && body.error.type !== 'ServiceUnavailableError';
    if (isOurs && !reply.raw.destroyed) {
      parts.logger.error({ err: error, route: request.routeOptions.url }, 'request failed');
    }
    return reply.code(body.error.code).send(body);
  });
}

/**
 * Closing waits for every connection. One whose headers are out already stays open for the keep-alive time after its
 * answer, so each is ended with its answer once the server closes. One that has not sent a request yet is no idle one to
 * Node, which gives it the time that a request's headers may take, so those are ended at once.
 */
function endConnectionsOnClose(server: FastifyInstance): void {
  let isClosing = false;
  const silent = new Set<Socket>();
  server.server.on('connection', (socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  server.server.on('request', ({ socket }) => silent.delete(socket));
  server.addHook('preClose', async () => {
    isClosing = true;
    for (const socket of silent) socket.destroy();
  });
  server.addHook('onResponse', async (request) => {
    if (isClosing) request.raw.socket.destroySoon();
  });
}

/** The HTTP face: vLLM's routes, bodies and errors. Listening and closing are the caller's. */
export function createShimServer(parts: ShimServerParts): FastifyInstance {
  const server = Fastify({
    bodyLimit: MAX_BODY_BYTES,
    // Its own answers on closing and on broken requests would not be vLLM's.
    return503OnClosing: false,
    requestTimeout: UPLOAD_TIMEOUT_MS,
    // A path that cannot be decoded is no route.
    frameworkErrors: (_error, _request, reply) => {
      reply.hijack();
      reply.raw.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify(NOT_FOUND));
    },
    logger: false,
  });
  server.removeContentTypeParser('text/plain');
  const isAllowed = createBearerCheck(parts.apiKey);
  server.addHook('onRequest', async (request, reply) => {
    if (request.method === 'OPTIONS' || !isGuarded(request.routeOptions.url)) return;
    if (!isAllowed(request.headers.authorization)) return reply.code(401).send({ error: 'Unauthorized' });
  });
  registerJsonBodies(server, { maxBytes: MAX_BODY_BYTES, shutdown: parts.shutdown, ...parts.bodies });
  endConnectionsOnClose(server);
  registerProbes(server, parts);
  server.get('/v1/models', async () => parts.models.toWire());
  registerChatRoute(server, parts);
  registerCompletionsRoute(server, parts);
  registerEmbeddingsRoute(server, parts);
  registerTranscriptionsRoute(server, parts);
  registerTokensRoutes(server, parts);
  registerMisses(server);
  registerErrors(server, parts);
  return server;
}
