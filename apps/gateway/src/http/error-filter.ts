import { FoveaError } from '@fovea/errors';
import type { Logger } from '@fovea/observability';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OnTurnedAway } from './door.js';
import { contextOf } from './request-context.js';
import { sendError } from './send-error.js';

/** The one place where an exception becomes an answer. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(
    private readonly logger: Logger,
    private readonly onTurnedAway: OnTurnedAway,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const error = this.#translate(thrown, request, reply);
    // Before it reached a handler of ours: those count what they refuse.
    if (error !== thrown && FoveaError.isInstance(error)) {
      const { code, status } = error;
      this.onTurnedAway({ code, status, requestId: contextOf(request).id });
    }
    sendError(request, reply, error, this.logger);
  }

  /** Nest and Fastify throw their own for unknown routes and unreadable requests. */
  #translate(thrown: unknown, request: FastifyRequest, reply: FastifyReply): unknown {
    const status = statusOf(thrown);
    // Of a request without a route Fastify also says what is wrong with its body or its type.
    if (status === 404 || (status !== undefined && request.is404)) return unknownRoute(request, reply);
    if (status === 413) return new FoveaError('PAYLOAD_TOO_LARGE');
    if (status === 415) return new FoveaError('UNSUPPORTED_MEDIA_TYPE');
    if (status !== undefined && status >= 400 && status < 500)
      return new FoveaError('INVALID_REQUEST', { cause: thrown });
    return thrown;
  }
}

function statusOf(thrown: unknown): number | undefined {
  if (FoveaError.isInstance(thrown)) return undefined;
  if (thrown instanceof HttpException) return thrown.getStatus();
  if (thrown instanceof Error && 'statusCode' in thrown) return Number(thrown.statusCode);
  return undefined;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** A path that exists under another method is `METHOD_NOT_ALLOWED`, and the `Allow` header names those that work. */
function unknownRoute(request: FastifyRequest, reply: FastifyReply): FoveaError {
  const path = request.url.split('?', 1)[0] ?? '/';
  const allowed = METHODS.filter((method) => request.server.findRoute({ url: path, method }) !== null);
  if (allowed.length === 0) return new FoveaError('NOT_FOUND');
  reply.header('allow', allowed.join(', '));
  return new FoveaError('METHOD_NOT_ALLOWED');
}
