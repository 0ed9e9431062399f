import type { EngineSettings } from '../engine/engine-options.js';
import { VllmError } from '../http/vllm-error.js';
import { vocabularySize } from '../tokenizer/vocabulary.js';
import type { SamplingBody } from './sampling-schema.js';

/** vLLM's default of `--max-logprobs`. */
export const maxLogprobs = 20;

/** The message of a refusal, or nothing. */
export type Check<B> = (body: B, settings: EngineSettings) => string | undefined | false;
/** Each check gives the message of its refusal; the key is the parameter it names. */
export type Checks<B> = readonly (readonly [param: string, check: Check<B>])[];

const outside = (value: number | null | undefined, low: number, high: number): value is number =>
  typeof value === 'number' && (value < low || value > high);

const penalty = (name: 'frequency_penalty' | 'presence_penalty'): [string, Check<SamplingBody>] => [
  name,
  (b) => outside(b[name], -2, 2) && `${name} must be in [-2, 2], got ${b[name]}.`,
];

const limits: Checks<SamplingBody> = [
  ['n', (b) => b.n != null && b.n < 1 && `n must be at least 1, got ${b.n}.`],
  [
    'n',
    (b, { dialect }) =>
      b.n != null && b.n > dialect.maxSequences && `n must be at most ${dialect.maxSequences}, got ${b.n}.`,
  ],
  [
    'n',
    (b) => (b.n ?? 1) > 1 && b.temperature === 0 && `n must be 1 when using greedy sampling, got ${b.n}.`,
  ],
  penalty('frequency_penalty'),
  penalty('presence_penalty'),
  [
    'repetition_penalty',
    (b) =>
      b.repetition_penalty != null &&
      b.repetition_penalty <= 0 &&
      `repetition_penalty must be greater than zero, got ${b.repetition_penalty}.`,
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
];

const lengths: Checks<SamplingBody> = [
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
  [
    'truncate_prompt_tokens',
    (b) =>
      b.truncate_prompt_tokens != null &&
      b.truncate_prompt_tokens < -1 &&
      `truncate_prompt_tokens must be an integer greater than or equal to -1, got ${b.truncate_prompt_tokens}.`,
  ],
];

const details: Checks<SamplingBody> = [
  [
    'stream_options',
    (b) =>
      b.stream !== true &&
      b.stream_options != null &&
      'Stream options can only be defined when `stream=True`.',
  ],
  [
    'prompt_logprobs',
    (b) =>
      b.prompt_logprobs != null &&
      b.stream === true &&
      '`prompt_logprobs` are not available when `stream=True`.',
  ],
  [
    'logit_bias',
    (b) => {
      const id = Object.keys(b.logit_bias ?? {}).find(
        (key) => !(Number(key) >= 0 && Number(key) < vocabularySize),
      );
      return id !== undefined && `token_id ${id} in logit_bias is out of vocabulary.`;
    },
  ],
  ['allowed_token_ids', (b) => b.allowed_token_ids?.length === 0 && 'allowed_token_ids is empty.'],
  [
    'cache_salt',
    (b) => b.cache_salt === '' && "Parameter 'cache_salt' must be a non-empty string if provided.",
  ],
];

/** `max_completion_tokens` wins over the deprecated `max_tokens`. */
export function maxTokensOf(body: SamplingBody): number | undefined {
  const newer = body.max_completion_tokens;
  return (typeof newer === 'number' ? newer : undefined) ?? body.max_tokens ?? undefined;
}

export function stopsOf(body: SamplingBody): readonly string[] {
  return typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []);
}

/** Runs checks in order; throws the 400 of the first that fails. */
export function runChecks<B extends Readonly<Record<string, unknown>>>(
  checks: Checks<B>,
  body: B,
  settings: EngineSettings,
): void {
  for (const [param, check] of checks) {
    const message = check(body, settings);
    if (message) {
      throw new VllmError(400, `${message} (parameter=${param}, value=${String(body[param])})`, { param });
    }
  }
}

/** Throws the 400 vLLM answers before a request reaches the engine. */
export function checkSampling(body: SamplingBody, settings: EngineSettings): void {
  runChecks(details, body, settings);
  runChecks(limits, body, settings);
  runChecks(lengths, body, settings);
  const limit = maxTokensOf(body);
  const { maxModelLen } = settings;
  if (limit !== undefined && limit > maxModelLen) {
    const param = body.max_completion_tokens == null ? 'max_tokens' : 'max_completion_tokens';
    throw new VllmError(
      400,
      `'max_tokens' or 'max_completion_tokens' is too large: ${limit}. This model's maximum context length is ${maxModelLen} tokens. (parameter=${param}, value=${limit})`,
      { param },
    );
  }
}
