import { FoveaError } from '@fovea/errors';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Throws `UNSUPPORTED_MEDIA_TYPE` unless the request says that its body is JSON. */
export function requireJson(request: FastifyRequest): void {
  const type = headerText(request, 'content-type') ?? '';
  if (/^application\/json\s*(;|$)/i.test(type.trim())) return;
  const found = type === '' ? 'nothing' : `"${type.slice(0, 100)}"`;
  throw new FoveaError('UNSUPPORTED_MEDIA_TYPE', {
    message: `Expected the content type application/json, found ${found}.`,
  });
}

export function headerText(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** `?nice=true`: queue behind the others. Throws `INVALID_REQUEST` when it is there and neither true nor false. */
export function isNice(request: FastifyRequest): boolean {
  const [, query = ''] = request.url.split('?', 2);
  const nice = new URLSearchParams(query).getAll('nice').at(-1)?.toLowerCase();
  if (nice === undefined || nice === 'false') return false;
  if (nice === 'true') return true;
  throw new FoveaError('INVALID_REQUEST', { message: 'nice: expected true or false', param: 'nice' });
}

/** The headers of an answer that say how the request was taken. */
export function setAnswerHeaders(
  reply: FastifyReply,
  { ignored, queueTimeMs }: { readonly ignored: readonly string[]; readonly queueTimeMs: number | undefined },
): void {
  if (queueTimeMs !== undefined) reply.header('x-queue-time-ms', Math.round(queueTimeMs));
  if (ignored.length > 0) reply.header('x-ignored-params', headerList(ignored));
}

/** Key names are a client's text; only what may stand in a header is echoed, and not without bound. */
const headerList = (names: readonly string[]): string =>
  names
    .slice(0, 32)
    .map((name) => encodeURIComponent(name).slice(0, 64))
    .join(', ');

/** The headers set so far, for an answer that is written around the framework. */
export function plainHeaders(reply: FastifyReply): Record<string, string | number> {
  const headers: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (typeof value === 'string' || typeof value === 'number') headers[name] = value;
  }
  return headers;
}
