import { assertGenerationRules, notSupported, refuse } from '../generation/generation-rules.js';
import type { ChatFields, ChatPromptFields } from './chat-fields.js';
import { assertVariablesFree } from './template-variables.js';

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

/** What chats of other servers can do and this one cannot; see `assertGenerationRules` for the rest. */
function assertSupported(fields: ChatFields): void {
  if (fields.prompt_logprobs !== undefined && fields.prompt_logprobs !== null) {
    throw notSupported('prompt_logprobs');
  }
  if (fields.echo === true) throw notSupported('echo');
  const { documents } = fields;
  if (Array.isArray(documents) && documents.length > 0) throw notSupported('documents');
}

/** What is refused of the fields that make the prompt. Throws `INVALID_REQUEST` with the field, in vLLM's words. */
export function assertPromptRules(fields: ChatPromptFields): void {
  // A prompt for a new message is the default, also for vLLM: it has to be turned off.
  if (fields.continue_final_message === true && (fields.add_generation_prompt ?? true)) {
    throw refuse(
      'Cannot set both `continue_final_message` and `add_generation_prompt` to True.',
      'continue_final_message',
    );
  }
  const { chat_template: template, chat_template_kwargs: kwargs } = fields;
  assertVariablesFree(kwargs);
  if ((template ?? undefined) === undefined && (kwargs?.chat_template ?? undefined) === undefined) return;
  throw refuse(
    'Chat template is passed with request, but --trust-request-chat-template is not set. Refused request with untrusted chat template.',
    (template ?? undefined) === undefined ? 'chat_template_kwargs' : 'chat_template',
  );
}

/** The rules that several fields have in common. Throws `INVALID_REQUEST` with the field, in vLLM's words. */
export function assertChatRules(fields: ChatFields): void {
  assertLogprobs(fields);
  assertGenerationRules(fields, fields.max_completion_tokens ?? fields.max_tokens);
  if ((fields.n ?? 1) > 1 && fields.answer_token_ids?.length) {
    throw refuse('n must be 1 when the answer goes on behind answer_token_ids.', 'n');
  }
  assertPromptRules(fields);
  assertToolsUnused(fields);
  assertSupported(fields);
}
