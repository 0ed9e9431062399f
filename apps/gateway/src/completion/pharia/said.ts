import type { FinishReason, Logprob } from '@fovea/schemas/events';
import type { CompleteAnswerWire, CompleteRequestWire, CompletionEndWire } from '@fovea/schemas/http';
import { isUnknown, likeliest } from '../choices/collected-choices.js';

type Said = Pick<
  CompleteAnswerWire['completions'][number],
  'completion' | 'raw_completion' | 'completion_tokens' | 'log_probs'
>;

/** What a request wants to know of its tokens. `tokens` and `log_probs` bring the raw completion with them. */
export type TokenWishes = Pick<CompleteRequestWire, 'tokens' | 'log_probs' | 'raw_completion'>;

/** Text and its tokens, as far as they were asked for. */
export function saidOf(completion: string, logprobs: readonly Logprob[], wishes: TokenWishes): Said {
  const { tokens = false, log_probs: count, raw_completion: raw = false } = wishes;
  return {
    completion,
    ...(tokens || raw || count !== undefined ? { raw_completion: completion } : {}),
    ...(tokens ? { completion_tokens: logprobs.map(({ token }) => token) } : {}),
    ...(count === undefined ? {} : { log_probs: logprobs.map((logprob) => mapOf(logprob, count)) }),
  };
}

function mapOf(logprob: Logprob, count: number): Record<string, number> {
  if (isUnknown(logprob)) return {};
  return count === 0 ? { [logprob.token]: logprob.logprob } : likeliest(logprob);
}

/** Pharia's word for why a text ended. Its clients know no other, so a cut of the engine's own is an end of the text. */
export function endOf(
  finishReason: FinishReason,
  stopReason: string | number | undefined,
): CompletionEndWire {
  if (finishReason === 'length') return 'maximum_tokens';
  return typeof stopReason === 'string' ? 'stop_sequence_reached' : 'end_of_text';
}
