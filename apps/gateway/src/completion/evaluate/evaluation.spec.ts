import type { Logprob } from '@fovea/schemas/events';
import { describe, expect, it } from '@jest/globals';
import { refusalOf } from '../testing/listing.js';
import { evaluate } from './evaluation.js';
import { expectedTokens } from './expected-tokens.js';

const token = (text: string, logprob = -1, best?: readonly [string, number]): Logprob => {
  const top = [{ token: text, logprob, bytes: [] }];
  if (best !== undefined) top.push({ token: best[0], logprob: best[1], bytes: [] });
  return { token: text, logprob, bytes: [], top };
};
const unknown: Logprob = { token: 'An', logprob: -9999, bytes: [], top: [] };

describe('an evaluation', () => {
  it('is of the expected tokens alone', () => {
    const prompt = [unknown, token(' apple', -5)];
    const said = [token(' a', -0.5), token(' dög', -1.5, [' day', -0.25])];
    expect(evaluate([...prompt, ...said], ' a dög')).toEqual({
      log_probability: -2,
      log_perplexity: 2,
      log_perplexity_per_token: 1,
      log_perplexity_per_character: 2 / 6,
      correct_greedy: false,
      token_count: 2,
      character_count: 6,
      completion: ' a day',
    });
  });

  it('is correct when each expected token is the likeliest, or as likely', () => {
    const said = [token(' a', -0.5, [' b', -0.6]), token(' b', -0.5, [' c', -0.5])];
    const { correct_greedy: correct, completion } = evaluate([unknown, ...said], ' a b');
    expect(correct).toBe(true);
    expect(completion).toBe(' a b');
  });

  it('counts characters, not code units', () => {
    expect(evaluate([unknown, token('😀', -1)], '😀').character_count).toBe(1);
  });

  it('cannot be of an engine that tells nothing, nor of a text that nothing stands in front of', () => {
    expect(refusalOf(() => evaluate([], 'a'))).toMatchObject({ code: 'MISSING_CAPABILITY', param: 'model' });
    expect(refusalOf(() => evaluate([unknown], 'An'))).toMatchObject({
      code: 'INVALID_REQUEST',
      param: 'prompt',
    });
  });
});

describe('the tokens of an expected text', () => {
  const found = (texts: readonly string[], expected: string): string[] =>
    expectedTokens(
      texts.map((text) => token(text)),
      expected,
    ).map((each) => each.token);

  it.each([
    ['are the last ones', ['<s>', 'An', ' apple', ' a', ' day'], ' a day', [' a', ' day']],
    ['are found though they stand in front, too', ['a', 'b', 'a', 'b'], 'ab', ['a', 'b']],
    ['begin with one that begins before them', ['An', ' app', 'les'], 'es', ['les']],
    ['are those of a character in pieces', ['a', '\uFFFD', '\uFFFD', '!'], '😀!', ['\uFFFD', '\uFFFD', '!']],
    [
      'are those between two characters in pieces',
      ['x', ' a', '\uFFFD', '\uFFFD', ' b', '\uFFFD'],
      ' a😀 bö',
      [' a', '\uFFFD', '\uFFFD', ' b', '\uFFFD'],
    ],
    ['are all when there are no others', ['a'], 'more than a', ['a']],
  ])('%s', (_, texts, expected, tokens) => {
    expect(found(texts, expected)).toEqual(tokens);
  });
});
