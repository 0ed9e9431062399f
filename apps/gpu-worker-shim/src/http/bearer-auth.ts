import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Beside `/v1`; vLLM leaves these open too. */
const openRoutes = new Set(['/health', '/ping', '/version', '/metrics', '/tokenize', '/detokenize']);

/**
 * Whether a key guards that route, which is a route's own pattern, or undefined where none matched. Never ask this of a
 * request's target: `/%761/models` and `http://h/v1/models` lead to `/v1/models` as well.
 */
export const isGuarded = (route: string | undefined): boolean =>
  route === undefined || !openRoutes.has(route);

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
