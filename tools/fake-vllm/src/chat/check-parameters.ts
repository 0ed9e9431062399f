import type { ChatRequestBody } from './request-schema.js';
import { VllmError } from './vllm-error.js';

/** vLLM's default of `--max-logprobs`. */
export const maxLogprobs = 20;
const maxSequences = 16_384;

type Check = (body: ChatRequestBody) => string | undefined | false;

const outside = (value: number | null | undefined, low: number, high: number): value is number =>
  typeof value === 'number' && (value < low || value > high);

/** Each check gives the message of its refusal; the key is the parameter it names. */
const checks: readonly (readonly [param: string, check: Check])[] = [
  [
    'stream_options',
    (b) =>
      b.stream !== true &&
      b.stream_options != null &&
      'Stream options can only be defined when `stream=True`.',
  ],
  [
    'top_logprobs',
    (b) => {
      if (b.top_logprobs == null) return undefined;
      if (b.top_logprobs < -1) return '`top_logprobs` must be a positive value or -1.';
      return b.logprobs !== true && 'when using `top_logprobs`, `logprobs` must be set to true.';
    },
  ],
  ['n', (b) => b.n != null && b.n < 1 && `n must be at least 1, got ${b.n}.`],
  ['n', (b) => b.n != null && b.n > maxSequences && `n must be at most ${maxSequences}, got ${b.n}.`],
  [
    'n',
    (b) => (b.n ?? 1) > 1 && b.temperature === 0 && `n must be 1 when using greedy sampling, got ${b.n}.`,
  ],
  [
    'frequency_penalty',
    (b) =>
      outside(b.frequency_penalty, -2, 2) &&
      `frequency_penalty must be in [-2, 2], got ${b.frequency_penalty}.`,
  ],
  [
    'presence_penalty',
    (b) =>
      outside(b.presence_penalty, -2, 2) && `presence_penalty must be in [-2, 2], got ${b.presence_penalty}.`,
  ],
  [
    'temperature',
    (b) =>
      b.temperature != null && b.temperature < 0 && `temperature must be non-negative, got ${b.temperature}.`,
  ],
  [
    'top_p',
    (b) => b.top_p != null && (b.top_p <= 0 || b.top_p > 1) && `top_p must be in (0, 1], got ${b.top_p}.`,
  ],
  [
    'top_k',
    (b) => b.top_k != null && b.top_k < -1 && `top_k must be 0 (disable), or at least 1, got ${b.top_k}.`,
  ],
  ['min_p', (b) => outside(b.min_p, 0, 1) && `min_p must be in [0, 1], got ${b.min_p}.`],
  [
    'max_tokens',
    (b) => {
      const limit = maxTokensOf(b);
      return limit !== undefined && limit < 1 && `max_tokens must be at least 1, got ${limit}.`;
    },
  ],
  [
    'min_tokens',
    (b) => {
      const limit = maxTokensOf(b) ?? Number.POSITIVE_INFINITY;
      return (
        b.min_tokens != null &&
        b.min_tokens > limit &&
        `min_tokens must be less than or equal to max_tokens=${limit}, got ${b.min_tokens}.`
      );
    },
  ],
  ['stop', (b) => stopsOf(b).includes('') && 'stop cannot contain an empty string.'],
];

/** `max_completion_tokens` wins over the deprecated `max_tokens`. */
export function maxTokensOf(body: ChatRequestBody): number | undefined {
  return body.max_completion_tokens ?? body.max_tokens ?? undefined;
}

export function stopsOf(body: ChatRequestBody): readonly string[] {
  return typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []);
}

/** Throws the 400 vLLM answers before a request reaches the engine. */
export function checkParameters(body: ChatRequestBody, maxModelLen: number): void {
  for (const [param, check] of checks) {
    const message = check(body);
    if (message)
      throw new VllmError(400, `${message} (parameter=${param}, value=${String(body[param])})`, { param });
  }
  const limit = maxTokensOf(body);
  if (limit !== undefined && limit > maxModelLen) {
    throw new VllmError(
      400,
      `'max_tokens' or 'max_completion_tokens' is too large: ${limit}. This model's maximum context length is ${maxModelLen} tokens. (parameter=max_tokens, value=${limit})`,
      { param: 'max_tokens' },
    );
  }
}
