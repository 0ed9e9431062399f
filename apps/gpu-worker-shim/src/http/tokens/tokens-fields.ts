import { z } from 'zod';
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

/** The fields of vLLM's `/tokenize` in its form for completions. Throws `MalformedRequest` with the field. */
export function parseTokenizeFields(body: unknown): TokenizeFields {
  const fields = parseFields(tokenizeSchema, body, 'schema');
  const { prompt } = fields;
  if (prompt === null || prompt === undefined) {
    if (fields.messages != null) {
      throw new MalformedRequest('messages: this server tokenises a prompt, no messages', 'messages');
    }
    throw new MalformedRequest('prompt: a text is required', 'prompt');
  }
  return {
    model: fields.model,
    prompt,
    addSpecialTokens: fields.add_special_tokens ?? true,
    wantsTokens: fields.return_token_strs ?? false,
  };
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
