import { z } from 'zod';
import { flag, generationFields, integer, logprobCount } from '../generation/sampling-fields.js';
import { parseFields } from '../parse-fields.js';

/**
 * The fields of `POST /v1/completions`, as vLLM names them. Unknown fields are ignored, as vLLM does.
 *
 * The prompt is one of
 * - `prompt`: a string, token ids, a list of strings, or a list of lists of token ids. A list of prompts gives
 *   `n` choices for each, in their order: choice `i` belongs to prompt `floor(i / n)`.
 * - `prompt_items` (ours): one prompt of several items, which the model reads one after the other, without a template:
 *
 *       { "type": "text", "text": "A picture: " }
 *       { "type": "image_url", "image_url": { "url": "data:image/png;base64,…" }, "crop": { "x": 0, "y": 0, "size": 9 } }
 *       { "type": "token_ids", "token_ids": [17, 4] }
 *
 *   `crop` is a square in pixels of the upright original, or `"center"` for the largest one in its middle; without it
 *   the whole image is taken. An image becomes the block of tokens that it is in the model's chat template. Neighbouring
 *   texts are one text. `[]` is the same as `""`.
 *
 * Special tokens in a text are special, as in vLLM, but for the one that stands for a piece of an image: typed, it is
 * text, and among token ids it is refused. `add_special_tokens` (true) puts what the tokenizer has around a text (often a
 * begin-of-text token, often nothing) around a prompt that does not begin with token ids. An empty prompt is the model's
 * begin-of-text token; a model without one refuses it.
 *
 * `max_tokens` is 16 when absent. 0 is taken beside `echo` or `prompt_logprobs`: the prompt is run, nothing is generated,
 * and `finish_reason` is `length`.
 *
 * `echo`: `text` begins with the prompt. Texts are repeated as they came, token ids as their text (without special tokens
 * unless `skip_special_tokens` is false), images and added special tokens not at all. They all count in `usage`.
 *
 * `logprobs: k` (0 to 20) gives `choices[].logprobs = { text_offset, token_logprobs, tokens, top_logprobs }`, one entry per
 * token. `top_logprobs[i]` maps token texts to log probabilities, in no order: the k best and the token itself. With `echo` the prompt's
 * tokens come first; the first of all has null in both lists, and tokens of images are left out. `text_offset` counts code
 * points and says where in `text` the token's text begins.
 *
 * `prompt_logprobs: k` (0 to 20, not with `stream`) gives `choices[].prompt_logprobs`, one entry per token of the prompt:
 * null for the first and for tokens of images, else `{ "<id>": { logprob, rank, decoded_token } }` with the token
 * itself and the k best; rank 1 is the most probable one.
 *
 * Whole prompts are run afresh when their log probabilities are wanted, whatever is cached.
 */
const completionFieldsSchema = z.looseObject({
  ...generationFields,
  prompt: z.unknown().optional(),
  prompt_items: z.unknown().optional(),
  max_tokens: integer(0).nullish(),
  echo: flag.nullish(),
  logprobs: logprobCount.nullish(),
  prompt_logprobs: logprobCount.nullish(),
  add_special_tokens: flag.nullish(),
  suffix: z.unknown().optional(),
  best_of: z.unknown().optional(),
});
export type CompletionFields = z.infer<typeof completionFieldsSchema>;

/** Checks all fields but the prompt, one by one. Throws as `parseFields` does. */
export const parseCompletionFields = (body: unknown): CompletionFields =>
  parseFields(completionFieldsSchema, body, 'engine');
