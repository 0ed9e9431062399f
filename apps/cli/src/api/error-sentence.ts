import { withoutControlCharacters } from '../terminal/terminal.js';
import type { ErrorBody } from './answers.js';

export interface ErrorFacts {
  readonly requestId?: string | undefined;
  readonly retryAfter?: string | undefined;
}

/**
 * One line for people: the gateway's sentence, then code, field, limit and request id in brackets.
 * Example: `The image is too large. (IMAGE_TOO_LARGE at messages[0].content[0].image_url.url, limit …)`.
 */
export function errorSentence(body: ErrorBody, facts: ErrorFacts = {}): string {
  const nested = typeof body.error === 'string' ? { message: body.error } : body.error;
  const code = nested.code ?? body.code;
  const param = nested.param ?? body.param;
  const limit = nested.limit ?? body.limit;
  const notes = [
    code && param ? `${code} at ${param}` : (code ?? param),
    limit && `limit ${limit.name} ${limit.value}${limit.actual === undefined ? '' : `, got ${limit.actual}`}`,
    facts.requestId && `request ${facts.requestId}`,
  ].filter((note) => typeof note === 'string' && note !== '');
  const retry = facts.retryAfter === undefined ? '' : ` Try again in ${facts.retryAfter} s.`;
  const bracket = notes.length === 0 ? '' : ` (${notes.join(', ')})`;
  return withoutControlCharacters(`${nested.message}${retry}${bracket}`);
}
