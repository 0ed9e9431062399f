import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The paths a key guards; probes and metrics stay open, as vLLM's do. */
export const isGuarded = (path: string): boolean => path === '/v1' || path.startsWith('/v1/');

/** Checks `Authorization: Bearer <key>` in constant time. Without a key everything is allowed. */
export function createBearerCheck(apiKey: string | undefined): (header: string | undefined) => boolean {
  if (apiKey === undefined) return () => true;
  const expected = digest(apiKey);
  return (header) => {
    const [, scheme = '', token = ''] = /^(\S+) +(.*)$/.exec(header ?? '') ?? [];
    // Digests have one length, so nothing about the key's length shows either.
    return timingSafeEqual(digest(token), expected) && scheme.toLowerCase() === 'bearer';
  };
}
