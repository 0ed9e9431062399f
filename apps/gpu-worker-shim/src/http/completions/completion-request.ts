import type { CompletionModel, CompletionRequest } from '../../models/completion-model.js';
import {
  assertBudget,
  assertEyes,
  assertGenerationRules,
  notSupported,
  refuse,
} from '../generation/generation-rules.js';
import { toSampling, withoutNulls } from '../generation/to-sampling.js';
import type { ImageUrls } from '../media/image-urls.js';
import type { CompletionFields } from './completion-fields.js';
import { parsePrompts } from './completion-prompts.js';

/** OpenAI's and vLLM's. */
const DEFAULT_MAX_TOKENS = 16;

/** How the answer is to be written. */
export interface CompletionForm {
  readonly isStream: boolean;
  readonly includeUsage: boolean;
  readonly continuousUsage: boolean;
  readonly returnTokenIds: boolean;
  readonly hasEcho: boolean;
  /** Alternatives per token; absent: no log probabilities. */
  readonly logprobs?: number;
  /** The same for the tokens of the prompt, in `prompt_logprobs`. */
  readonly promptLogprobs?: number;
  /** Choices per prompt. */
  readonly choices: number;
}

export function toCompletionForm(fields: CompletionFields): CompletionForm {
  const includeUsage = fields.stream_options?.include_usage === true;
  return {
    isStream: fields.stream === true,
    includeUsage,
    continuousUsage: includeUsage && fields.stream_options?.continuous_usage_stats === true,
    returnTokenIds: fields.return_token_ids === true,
    hasEcho: fields.echo === true,
    choices: fields.n ?? 1,
    ...withoutNulls({ logprobs: fields.logprobs, promptLogprobs: fields.prompt_logprobs }),
  };
}

/** The rules that several fields have in common. Throws `INVALID_REQUEST` with the field, in vLLM's words. */
export function assertCompletionRules(fields: CompletionFields): void {
  const { suffix, best_of: bestOf, prompt_logprobs: promptLogprobs } = fields;
  assertGenerationRules(fields, fields.max_tokens);
  if (typeof suffix === 'string' ? suffix !== '' : suffix !== undefined && suffix !== null) {
    throw refuse('suffix is not currently supported', 'suffix');
  }
  if (bestOf !== undefined && bestOf !== null && bestOf !== (fields.n ?? 1)) throw notSupported('best_of');
  const hasPromptLogprobs = promptLogprobs !== undefined && promptLogprobs !== null;
  if (hasPromptLogprobs && fields.stream === true) {
    throw refuse('`prompt_logprobs` are not available when `stream=True`.', 'prompt_logprobs');
  }
  if (fields.max_tokens === 0 && fields.echo !== true && !hasPromptLogprobs) {
    throw refuse('max_tokens must be at least 1, got 0.', 'max_tokens');
  }
}

/** How many alternatives to each token of the prompt the engine is to tell; undefined: nothing is said of the prompt. */
function promptAlternatives({ hasEcho, logprobs, promptLogprobs }: CompletionForm): number | undefined {
  const echoed = hasEcho ? logprobs : undefined;
  if (echoed === undefined) return promptLogprobs;
  return Math.max(echoed, promptLogprobs ?? 0);
}

/**
 * One request to the model for each prompt.
 *
 * @throws MalformedRequest or FoveaError for a prompt that cannot be used, what `ImageUrls.read` throws, and `MISSING_CAPABILITY` for an image to a
 * model without eyes.
 */
export async function toCompletionRequests(
  fields: CompletionFields,
  requestId: string,
  model: CompletionModel,
  images: ImageUrls,
): Promise<CompletionRequest[]> {
  assertBudget(fields.max_tokens, 'max_tokens', model);
  const prompts = await parsePrompts(fields.prompt, fields.prompt_items, images);
  const image = prompts.flat().find((item) => item.type === 'image');
  assertEyes(image?.image, model);
  const form = toCompletionForm(fields);
  const splitting = fields.mm_processor_kwargs?.do_image_splitting;
  const common = {
    requestId,
    sampling: toSampling(fields, {
      maxTokens: fields.max_tokens ?? DEFAULT_MAX_TOKENS,
      // One more than asked for: the sampled token comes first, and the k best ones are wanted beside it.
      topLogprobs: form.logprobs === undefined ? undefined : form.logprobs + 1,
    }),
    choices: form.choices,
    addSpecialTokens: fields.add_special_tokens ?? true,
    wantsEcho: form.hasEcho,
    ...withoutNulls({
      promptLogprobs: promptAlternatives(form),
      priority: fields.priority,
      cacheSalt: fields.cache_salt,
    }),
    ...(splitting !== undefined && { imageOptions: { doImageSplitting: splitting } }),
  };
  return prompts.map((items) => ({ ...common, items }));
}
