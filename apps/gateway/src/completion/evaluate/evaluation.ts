import { FoveaError } from '@fovea/errors';
import type { Logprob } from '@fovea/schemas/events';
import type { EvaluateAnswerWire } from '@fovea/schemas/http';
import { refuse } from '../../tasks/refusals.js';
import { isUnknown } from '../choices/collected-choices.js';
import { expectedTokens } from './expected-tokens.js';

/**
 * How likely a text is behind a prompt, from the log probabilities of both and the likeliest token at each place.
 *
 * Throws `MISSING_CAPABILITY` when the engine told none, `INVALID_REQUEST` when nothing stands in front of the text.
 */
export function evaluate(logprobs: readonly Logprob[], expected: string): EvaluateAnswerWire['result'] {
  if (logprobs.length === 0) {
    const message = 'The engine of this model tells no log probabilities of a prompt.';
    throw new FoveaError('MISSING_CAPABILITY', { message, param: 'model' });
  }
  const tokens = expectedTokens(logprobs, expected);
  if (tokens.some(isUnknown)) {
    throw refuse('prompt: nothing stands in front of the expected completion.', 'prompt');
  }
  const best = tokens.map(likeliestOf);
  const logProbability = tokens.reduce((sum, { logprob }) => sum + logprob, 0);
  const characters = [...expected].length;
  // Not the negative zero, which JSON writes like the other one and tests do not.
  const perplexity = 0 - logProbability;
  return {
    log_probability: logProbability,
    log_perplexity: perplexity,
    log_perplexity_per_token: perplexity / tokens.length,
    log_perplexity_per_character: perplexity / characters,
    correct_greedy: tokens.every(({ logprob }, at) => logprob >= (best[at]?.logprob ?? logprob)),
    token_count: tokens.length,
    character_count: characters,
    completion: best.map(({ token }) => token).join(''),
  };
}

/** Of two alike, the one that was expected. */
function likeliestOf(expected: Logprob): Pick<Logprob, 'token' | 'logprob'> {
  return expected.top.reduce<Pick<Logprob, 'token' | 'logprob'>>(
    (best, other) => (other.logprob > best.logprob ? other : best),
    expected,
  );
}
