import { z } from 'zod';
import type { TemplateVariables } from '../../models/chat-model.js';
import { refuse } from '../generation/generation-rules.js';

const MAX_VARIABLES = 32;
const MAX_NAME_CHARACTERS = 64;
const MAX_CHARACTERS = 1000;

/** No lists: a template may loop over one for as long as it likes (CVE-2025-62426). */
const value = z.union(
  [
    z.string().max(MAX_CHARACTERS, `must have at most ${MAX_CHARACTERS} characters`),
    z.number(),
    z.boolean(),
    z.null(),
  ],
  `must be a string of at most ${MAX_CHARACTERS} characters, a number, true, false or null`,
);
const name = z.string().max(MAX_NAME_CHARACTERS, `names have at most ${MAX_NAME_CHARACTERS} characters`);

/** vLLM's `chat_template_kwargs`: variables of a model's chat template, such as `enable_thinking`. */
export const templateVariables = z
  .record(name, value, 'must be an object')
  .refine((fields) => Object.keys(fields).length <= MAX_VARIABLES, `must hold at most ${MAX_VARIABLES}`);

/** What the request, the tokenizer and the template engine set; `transformers` would let some of them be overridden. */
const taken = new Set([
  ...['messages', 'conversation', 'tools', 'documents', 'add_generation_prompt', 'continue_final_message'],
  ...['tokenize', 'tokenizer_kwargs', 'padding', 'truncation', 'max_length', 'return_tensors', 'return_dict'],
  ...['return_assistant_tokens_mask', 'bos_token', 'eos_token', 'unk_token', 'pad_token', 'sep_token'],
  ...['cls_token', 'mask_token', 'additional_special_tokens', 'true', 'false', 'none', 'True', 'False'],
  ...['None', 'range', 'namespace', 'raise_exception', 'strftime_now'],
]);

/** Throws `INVALID_REQUEST` with the path of a variable that is not the client's to set. */
export function assertVariablesFree(variables: TemplateVariables | null | undefined): void {
  const found = Object.keys(variables ?? {}).find((key) => taken.has(key));
  if (found === undefined) return;
  throw refuse(
    `${found} is no variable of a chat template that a request may set.`,
    `chat_template_kwargs.${found}`,
  );
}
