import { z } from 'zod';
import { flag, generationFields, integer, logprobCount } from '../generation/sampling-fields.js';
import { parseFields } from '../parse-fields.js';
import { templateVariables } from './template-variables.js';

/** More than any context has. */
const MAX_ANSWER_TOKEN_IDS = 1_000_000;

const messageSchema = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool'], 'must be a known role'),
  content: z.union([z.string(), z.array(z.unknown())], 'must be a string or an array of parts').nullish(),
  name: z.string().nullish(),
});
export type WireMessage = z.infer<typeof messageSchema>;

/** The fields that make the prompt of a chat, the same for those who answer it and those who count it. */
export const chatPromptFields = {
  messages: z.array(messageSchema, 'must be an array').min(1, 'must hold at least one message'),
  add_generation_prompt: flag.nullish(),
  continue_final_message: flag.nullish(),
  add_special_tokens: flag.nullish(),
  chat_template: z.string('must be a string').nullish(),
  chat_template_kwargs: templateVariables.nullish(),
  mm_processor_kwargs: generationFields.mm_processor_kwargs,
  media_io_kwargs: generationFields.media_io_kwargs,
  reasoning_effort: z
    .enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'], 'must be a known effort')
    .nullish(),
};
const chatPromptSchema = z.looseObject(chatPromptFields);
export type ChatPromptFields = z.infer<typeof chatPromptSchema>;

/**
 * The fields of a chat request, as vLLM names them. Bounds are those vLLM answers 400 for; unknown fields are ignored,
 * as vLLM does. `answer_token_ids` is ours: the beginning of the answer, as another server returned it.
 */
const chatFieldsSchema = z.looseObject({
  ...chatPromptFields,
  ...generationFields,
  max_tokens: integer(1).nullish(),
  max_completion_tokens: integer(1).nullish(),
  logprobs: flag.nullish(),
  top_logprobs: logprobCount.nullish(),
  tools: z.array(z.unknown(), 'must be an array').nullish(),
  tool_choice: z.unknown().optional(),
  answer_token_ids: z
    .array(integer(0), 'must be an array of token ids')
    .max(MAX_ANSWER_TOKEN_IDS, `must hold at most ${MAX_ANSWER_TOKEN_IDS}`)
    .nullish(),
});
export type ChatFields = z.infer<typeof chatFieldsSchema>;

/** Checks the fields one by one. Throws as `parseFields` does. */
export const parseChatFields = (body: unknown): ChatFields => parseFields(chatFieldsSchema, body, 'engine');
