import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { PageFile } from './page-files.js';

/** Nothing from elsewhere, nothing inline, no frames around it; pictures and recordings of the user as blobs. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  'media-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const headers: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'microphone=(self), camera=(), geolocation=()',
  'cross-origin-opener-policy': 'same-origin',
  // Kept, but asked about each time: after an upgrade no old module meets a new page.
  'cache-control': 'no-cache',
};

/** Serves each file under its own exact route, to GET and HEAD, without a key. */
export function installPlayground(fastify: FastifyInstance, files: readonly PageFile[]): void {
  for (const file of files) {
    const handler = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
      reply.headers({ ...headers, etag: file.etag });
      if (isKnown(request.headers['if-none-match'], file.etag)) return reply.code(304).send();
      return reply.type(file.type).send(file.content);
    };
    fastify.get(file.path, handler);
  }
}

/** RFC 9110 §13.1.2: a list of tags or `*`; a proxy that compressed the file has made its tag a weak one. */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etag);
}
