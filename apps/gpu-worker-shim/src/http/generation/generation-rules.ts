import { FoveaError } from '@fovea/errors';
import type { ChatImage, ChatModel } from '../../models/chat-model.js';
import type { GenerationFields } from './sampling-fields.js';

/** What would change the answer and is not done here. Ignoring it silently would give a wrong answer. */
const unsupported: readonly { readonly field: string; isAsked(value: unknown): boolean }[] = [
  ...[
    // An empty list of them allows nothing; vLLM refuses that, too.
    'allowed_token_ids',
    'structured_outputs',
    'guided_json',
    'guided_regex',
    'guided_choice',
    'guided_grammar',
    'truncate_prompt_tokens',
    'thinking_token_budget',
    'repetition_detection',
  ].map((field) => ({ field, isAsked: (value: unknown) => value !== undefined && value !== null })),
  ...['use_beam_search', 'return_tokens_as_token_ids'].map((field) => ({
    field,
    isAsked: (value: unknown) => value === true,
  })),
  { field: 'bad_words', isAsked: (value) => Array.isArray(value) && value.length > 0 },
];

export const refuse = (message: string, param: string) =>
  new FoveaError('INVALID_REQUEST', { message, param });

export const notSupported = (field: string) => refuse(`${field} is not supported by this server.`, field);

/** The rules of all generations that several fields have in common. Throws `INVALID_REQUEST` in vLLM's words. */
export function assertGenerationRules(fields: GenerationFields, maxTokens: number | null | undefined): void {
  const { stream_options: streamOptions, n, temperature, min_tokens: minTokens } = fields;
  if (streamOptions && fields.stream !== true) {
    throw refuse('Stream options can only be defined when `stream=True`.', 'stream_options');
  }
  if ((n ?? 1) > 1 && (temperature ?? 1) < 1e-5) {
    throw refuse('n must be 1 when using greedy sampling, got a larger one.', 'n');
  }
  if (maxTokens !== null && maxTokens !== undefined && (minTokens ?? 0) > maxTokens) {
    throw refuse('min_tokens must be less than or equal to max_tokens.', 'min_tokens');
  }
  const format = fields.response_format?.type;
  if (format !== undefined && format !== 'text') {
    throw refuse(`response_format "${format}" is not supported by this server.`, 'response_format');
  }
  const asked = unsupported.find(({ field, isAsked }) => isAsked(fields[field]));
  if (asked !== undefined) throw notSupported(asked.field);
}

/** A budget above the whole context is a mistake; one above the room that a prompt leaves is lowered by the model. */
export function assertBudget(
  budget: number | null | undefined,
  param: 'max_tokens' | 'max_completion_tokens',
  { maxModelLen }: ChatModel,
): void {
  if (!budget || budget <= maxModelLen) return;
  throw new FoveaError('INVALID_REQUEST', {
    message:
      `'max_tokens' or 'max_completion_tokens' is too large: ${budget}. This model's maximum context length is ` +
      `${maxModelLen} tokens. (parameter=${param}, value=${budget})`,
    param,
    limit: { name: 'max_model_len', value: maxModelLen, actual: budget },
  });
}

/** Throws `MISSING_CAPABILITY` for an image to a model without eyes. */
export function assertEyes(image: ChatImage | undefined, model: ChatModel): void {
  if (image === undefined || model.multimodal) return;
  throw new FoveaError('MISSING_CAPABILITY', {
    message: `${model.id} is not a multimodal model.`,
    param: image.path,
  });
}
