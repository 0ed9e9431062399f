import { FoveaError } from '@fovea/errors';

/** Fields that Pharia's clients know by another name than engines do. */
const clientNames = new Map([
  ['max_tokens', 'maximum_tokens'],
  ['min_tokens', 'minimum_tokens'],
  ['stop', 'stop_sequences'],
  ['logprobs', 'log_probs'],
]);

/** An engine's refusal, with the field as the client wrote it. Anything else is handed back as it is. */
export function withClientName(thrown: unknown): unknown {
  if (!FoveaError.isInstance(thrown) || thrown.param === undefined) return thrown;
  const param = clientNames.get(thrown.param);
  if (param === undefined) return thrown;
  const { code, message, limit, retryAfterS, mayRetry, detail } = thrown;
  return new FoveaError(code, { message, param, limit, retryAfterS, mayRetry, detail, cause: thrown });
}
