import { FoveaError } from '@fovea/errors';

/** A compression that a request body may have. */
export type Coding = 'gzip' | 'deflate' | 'br';

/** What a refusal tells the client in `Accept-Encoding`. */
export const ACCEPTED_CODINGS = 'gzip, deflate, br';

/** Nobody packs a body more often than that. */
export const MAX_CODINGS = 2;
const codings = new Map<string, Coding>([
  ['gzip', 'gzip'],
  // RFC 9110, 8.4.1.3: the same as gzip.
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
]);

/**
 * Reads `Content-Encoding`: the codings in the order in which they were applied, without `identity`.
 * Throws `UNSUPPORTED_MEDIA_TYPE` for a coding we do not know and for more than two.
 */
export function parseContentEncoding(header: string | undefined): readonly Coding[] {
  if (header === undefined) return [];
  const found: Coding[] = [];
  for (const item of header.split(',')) {
    const name = item.trim().toLowerCase();
    if (name === '' || name === 'identity') continue;
    const coding = codings.get(name);
    if (coding === undefined) throw unsupported(`it holds "${name.slice(0, 40)}"`, undefined);
    found.push(coding);
  }
  if (found.length > MAX_CODINGS) throw unsupported('it is a list of too many', found.length);
  return found;
}

function unsupported(why: string, actual: number | undefined): FoveaError {
  const message = `The header Content-Encoding is not supported: ${why}. Send ${ACCEPTED_CODINGS}, at most ${MAX_CODINGS} of them, or none.`;
  const limit =
    actual === undefined ? undefined : { name: 'max_content_codings', value: MAX_CODINGS, actual };
  return new FoveaError('UNSUPPORTED_MEDIA_TYPE', { message, param: 'Content-Encoding', limit });
}
