import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { abortOnClose } from '../request-scope.js';
import { BodyParser } from './body-parser.js';
import { collectBody } from './collect-body.js';
import { BodyMemory, LargeBody } from './large-body.js';
import { parseJson } from './parse-json.js';
import type { TakenImages } from './thread/taken-images.js';

const none: TakenImages = new Map();
const takenOf = new WeakMap<FastifyRequest, TakenImages>();

/** The images that were decoded with a request's body. None for a small one: its URLs are still in it. */
export const takenImages = (request: FastifyRequest): TakenImages => takenOf.get(request) ?? none;

export interface JsonBodiesParts {
  readonly maxBytes: number;
  readonly shutdown: AbortSignal;
  /** In place of the real ones, for tests. */
  readonly memory?: BodyMemory;
  readonly parser?: BodyParser;
}

/** What is made of a body lives as long as its request, so that is how long it counts. */
function releaseOnClose(body: LargeBody, reply: FastifyReply): void {
  if (reply.raw.destroyed) body.release();
  else reply.raw.once('close', () => body.release());
}

async function parseLarge(
  parser: BodyParser,
  body: LargeBody,
  request: FastifyRequest,
  reply: FastifyReply,
  shutdown: AbortSignal,
): Promise<void> {
  try {
    const { value, images } = await parser.parse(body, abortOnClose(reply, shutdown));
    request.body = value;
    takenOf.set(request, images);
  } finally {
    // Not before: the thread holds the body also when the client has left.
    releaseOnClose(body, reply);
  }
}

/**
 * Reads JSON bodies in place of Fastify's own parser: small ones as that does, large ones in a thread, which decodes their
 * images, too. Both have the same errors.
 */
export function registerJsonBodies(server: FastifyInstance, parts: JsonBodiesParts): void {
  const { maxBytes, shutdown, memory = new BodyMemory(), parser = new BodyParser() } = parts;
  server.removeContentTypeParser('application/json');
  server.addContentTypeParser(
    'application/json',
    async (request: FastifyRequest, stream: FastifyRequest['raw']) => {
      const declaredBytes = Number(request.headers['content-length']);
      const body = await collectBody(stream, declaredBytes, maxBytes, memory);
      return body instanceof LargeBody ? body : parseJson(body);
    },
  );
  // Not in the content-type parser: that is not told when the client leaves.
  server.addHook('preValidation', async (request, reply) => {
    if (request.body instanceof LargeBody) await parseLarge(parser, request.body, request, reply, shutdown);
  });
  server.addHook('onClose', () => parser.close());
}
