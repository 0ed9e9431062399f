import { timestampBegin, type WhisperTokens } from './whisper-tokens.js';

function logSumExp(values: Float32Array): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > highest) highest = value;
  if (highest === Number.NEGATIVE_INFINITY) return highest;
  let sum = 0;
  for (const value of values) sum += Math.exp(value - highest);
  return highest + Math.log(sum);
}

function highestOf(values: Float32Array): { readonly index: number; readonly value: number } {
  let index = 0;
  for (let at = 1; at < values.length; at += 1) if (values[at]! > values[index]!) index = at;
  return { index, value: values[index] ?? Number.NEGATIVE_INFINITY };
}

/**
 * Masks what Whisper's grammar of times forbids: they come in pairs, begin and end of a segment, and where a time is
 * likelier than every word there is one (A. Radford et al., arXiv:2212.04356; `ApplyTimestampRules` of openai/whisper).
 */
function applyTimestampRules(logits: Float32Array, written: readonly number[], tokens: WhisperTokens): void {
  const begin = timestampBegin(tokens);
  const never = Number.NEGATIVE_INFINITY;
  logits[tokens.noTimestamps] = never;
  if (written.length === 0) {
    logits.fill(never, 0, begin);
    if (tokens.maxInitialTimestamp !== undefined) logits.fill(never, begin + tokens.maxInitialTimestamp + 1);
    return;
  }
  const isTime = (back: number) => (written.at(-back) ?? begin) >= begin;
  if (isTime(1)) {
    if (isTime(2)) logits.fill(never, begin);
    else logits.fill(never, 0, tokens.end);
  }
  if (logSumExp(logits.subarray(begin)) > highestOf(logits.subarray(0, begin)).value) {
    logits.fill(never, 0, begin);
  }
}

export interface TokenChoice {
  readonly id: number;
  /** Natural logarithm of its probability among the tokens that were allowed. */
  readonly logprob: number;
}

/** Makes impossible what may not follow the tokens `written`, in place. */
export function allowTokens(
  logits: Float32Array,
  written: readonly number[],
  timestamps: boolean,
  tokens: WhisperTokens,
): void {
  const never = Number.NEGATIVE_INFINITY;
  for (const id of tokens.suppressed) logits[id] = never;
  if (written.length === 0) for (const id of tokens.suppressedFirst) logits[id] = never;
  if (timestamps) applyTimestampRules(logits, written, tokens);
}

/** Natural logarithm of a token's probability among those that are allowed. */
export function logprobOf(logits: Float32Array, id: number): number {
  return (logits[id] ?? Number.NEGATIVE_INFINITY) - logSumExp(logits);
}

/** The likeliest of some tokens. */
export function likeliestOf(logits: Float32Array, ids: Iterable<number>): number | undefined {
  let best: number | undefined;
  for (const id of ids) if (best === undefined || logits[id]! > logits[best]!) best = id;
  return best;
}

/** Probability of one token. */
export function probabilityOf(logits: Float32Array, id: number): number {
  return Math.exp((logits[id] ?? Number.NEGATIVE_INFINITY) - logSumExp(logits));
}
