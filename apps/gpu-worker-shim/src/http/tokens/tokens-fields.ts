import { z } from 'zod';
import { type ChatPromptFields, chatPromptFields } from '../chat/chat-fields.js';
import { assertPromptRules } from '../chat/chat-rules.js';
import { refuse } from '../generation/generation-rules.js';
import { flag } from '../generation/sampling-fields.js';
import { parseFields } from '../parse-fields.js';
import { MalformedRequest } from '../vllm-error.js';

const tokenizeSchema = z.looseObject({
  model: z.string('must be a string').nullish(),
  prompt: z.string('must be a string').nullish(),
  messages: z.unknown().optional(),
  add_special_tokens: flag.nullish(),
  return_token_strs: flag.nullish(),
});

const tokenizeChatSchema = z.looseObject({
  model: z.string('must be a string').nullish(),
  ...chatPromptFields,
  return_token_strs: flag.nullish(),
  tools: z.array(z.unknown(), 'must be an array').nullish(),
});

const detokenizeSchema = z.looseObject({
  model: z.string('must be a string').nullish(),
  tokens: z.array(z.unknown(), 'must be a list of token ids'),
  skip_special_tokens: flag.nullish(),
});

export interface TokenizeFields {
  readonly model: string | null | undefined;
  readonly prompt: string;
  readonly addSpecialTokens: boolean;
  readonly wantsTokens: boolean;
}

/** The fields of vLLM's `/tokenize`: a prompt's, or a chat's. Throws `MalformedRequest` with the field. */
export function parseTokenizeFields(body: unknown): TokenizeFields | TokenizeChatFields {
  const fields = parseFields(tokenizeSchema, body, 'schema');
  const { prompt, messages } = fields;
  if (prompt === null || prompt === undefined) {
    if (messages !== null && messages !== undefined) return parseTokenizeChatFields(body);
    throw new MalformedRequest('prompt: a text is required', 'prompt');
  }
  return {
    model: fields.model,
    prompt,
    addSpecialTokens: fields.add_special_tokens ?? true,
    wantsTokens: fields.return_token_strs ?? false,
  };
}

export interface TokenizeChatFields {
  readonly model: string | null | undefined;
  readonly chat: ChatPromptFields;
  readonly wantsTokens: boolean;
}

/**
 * The form for chats. Its fields are those of a chat and do the same, so `count` is the `usage.prompt_tokens` of that chat;
 * `add_special_tokens` is false there. A template in the request is refused, as vLLM does without
 * `--trust-request-chat-template`, and so are tools, which no chat here has. `reasoning_effort` is taken as in chats; vLLM has
 * it there alone.
 */
function parseTokenizeChatFields(body: unknown): TokenizeChatFields {
  const fields = parseFields(tokenizeChatSchema, body, 'schema');
  assertPromptRules(fields);
  if (fields.tools && fields.tools.length > 0) {
    throw refuse('Tool calling is not supported by this server.', 'tools');
  }
  return { model: fields.model, chat: fields, wantsTokens: fields.return_token_strs ?? false };
}

export interface DetokenizeFields {
  readonly model: string | null | undefined;
  readonly tokens: readonly number[];
  readonly skipSpecialTokens: boolean;
}

const isTokenId = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0;

/** The fields of vLLM's `/detokenize`; `skip_special_tokens` (false) is ours. Throws `MalformedRequest` with the field. */
export function parseDetokenizeFields(body: unknown): DetokenizeFields {
  const { model, tokens, skip_special_tokens: skip } = parseFields(detokenizeSchema, body, 'schema');
  const wrong = tokens.findIndex((id) => !isTokenId(id));
  if (wrong >= 0) throw new MalformedRequest(`tokens[${wrong}]: must be a token id`, `tokens[${wrong}]`);
  return { model, tokens: tokens.filter(isTokenId), skipSpecialTokens: skip ?? false };
}
