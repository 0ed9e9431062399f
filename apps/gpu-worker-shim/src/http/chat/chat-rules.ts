import { FoveaError } from '@fovea/errors';
import type { ChatFields } from './chat-fields.js';

/** What would change the answer and is not done here. Ignoring it silently would give a wrong answer. */
const unsupported: readonly { readonly field: string; isAsked(fields: ChatFields): boolean }[] = [
  ...[
    'structured_outputs',
    'guided_json',
    'guided_regex',
    'guided_choice',
    'guided_grammar',
    'prompt_logprobs',
    'truncate_prompt_tokens',
    'chat_template',
    'thinking_token_budget',
    'repetition_detection',
  ].map((field) => ({
    field,
    isAsked: (fields: ChatFields) => fields[field] !== undefined && fields[field] !== null,
  })),
  ...['use_beam_search', 'echo'].map((field) => ({
    field,
    isAsked: (fields: ChatFields) => fields[field] === true,
  })),
  ...['bad_words', 'allowed_token_ids', 'documents'].map((field) => ({
    field,
    isAsked: (fields: ChatFields) => Array.isArray(fields[field]) && fields[field].length > 0,
  })),
];

const refuse = (message: string, param: string) => new FoveaError('INVALID_REQUEST', { message, param });

function assertToolsUnused({ tools, tool_choice: choice }: ChatFields): void {
  if (tools?.length === 0) throw refuse('tools must not be an empty array.', 'tools');
  const given = choice ?? (tools ? 'auto' : 'none');
  if (given === 'none') return;
  if (!tools) throw refuse('When using `tool_choice`, `tools` must be set.', 'tool_choice');
  throw refuse('Tool calling is not supported by this server.', 'tools');
}

function assertLogprobs({ logprobs, top_logprobs: top }: ChatFields): void {
  if (top !== null && top !== undefined && top > 0 && logprobs !== true) {
    throw refuse('when using `top_logprobs`, `logprobs` must be set to true.', 'top_logprobs');
  }
}

/** The rules that several fields have in common. Throws `INVALID_REQUEST` with the field, in vLLM's words. */
export function assertChatRules(fields: ChatFields): void {
  const { stream_options: streamOptions, n, temperature, min_tokens: minTokens } = fields;
  if (streamOptions && fields.stream !== true) {
    throw refuse('Stream options can only be defined when `stream=True`.', 'stream_options');
  }
  assertLogprobs(fields);
  if ((n ?? 1) > 1 && (temperature ?? 1) < 1e-5) {
    throw refuse('n must be 1 when using greedy sampling, got a larger one.', 'n');
  }
  const maxTokens = fields.max_completion_tokens ?? fields.max_tokens;
  if (maxTokens !== null && maxTokens !== undefined && (minTokens ?? 0) > maxTokens) {
    throw refuse('min_tokens must be less than or equal to max_tokens.', 'min_tokens');
  }
  if ((n ?? 1) > 1 && fields.answer_token_ids?.length) {
    throw refuse('n must be 1 when the answer goes on behind answer_token_ids.', 'n');
  }
  if (fields.continue_final_message === true && fields.add_generation_prompt === true) {
    throw refuse(
      'Cannot set both `continue_final_message` and `add_generation_prompt` to True.',
      'continue_final_message',
    );
  }
  const format = fields.response_format?.type;
  if (format !== undefined && format !== 'text') {
    throw refuse(`response_format "${format}" is not supported by this server.`, 'response_format');
  }
  assertToolsUnused(fields);
  const asked = unsupported.find((entry) => entry.isAsked(fields));
  if (asked !== undefined) throw refuse(`${asked.field} is not supported by this server.`, asked.field);
}
