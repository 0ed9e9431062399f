import type { Logprob } from '@fovea/schemas/events';

/** Stands for bytes that are no whole character. */
const PART_OF_CHARACTER = '\uFFFD';

/**
 * The tokens of an echoed prompt that spell the text at its end. They are found from behind, because in front there may be
 * tokens that are no text. A token that begins before the text and ends in it belongs to it. Characters that take several
 * tokens are found by the next whole one in front of them.
 */
export function expectedTokens(logprobs: readonly Logprob[], expected: string): readonly Logprob[] {
  let rest = expected;
  let first = logprobs.length;
  while (first > 0 && rest !== '') {
    first -= 1;
    rest = withoutEnd(rest, logprobs, first);
  }
  return logprobs.slice(first);
}

function withoutEnd(rest: string, logprobs: readonly Logprob[], at: number): string {
  const token = logprobs[at]?.token ?? '';
  const before = logprobs[at - 1]?.token;
  if (!token.includes(PART_OF_CHARACTER)) return rest.slice(0, Math.max(0, rest.length - token.length));
  // In the middle of a character: nothing is taken off until a whole token stands before it.
  if (before === undefined || before === '') return '';
  if (before.includes(PART_OF_CHARACTER)) return rest;
  const end = rest.lastIndexOf(before);
  return end < 0 ? '' : rest.slice(0, end + before.length);
}
