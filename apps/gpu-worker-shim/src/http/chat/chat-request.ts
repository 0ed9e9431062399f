import type { ChatModel, ChatModelRequest } from '../../models/chat-model.js';
import type { ChatPromptSource } from '../../models/tokenizing-model.js';
import { assertBudget, assertEyes } from '../generation/generation-rules.js';
import type { GenerationFields } from '../generation/sampling-fields.js';
import { toSampling, withoutNulls } from '../generation/to-sampling.js';
import type { ImageUrls } from '../media/image-urls.js';
import type { ChatFields, ChatPromptFields } from './chat-fields.js';
import { parseChatMessages } from './chat-messages.js';

/** How the answer is to be written. */
export interface AnswerForm {
  readonly isStream: boolean;
  readonly includeUsage: boolean;
  readonly continuousUsage: boolean;
  readonly returnTokenIds: boolean;
}

export function toAnswerForm(fields: GenerationFields): AnswerForm {
  const includeUsage = fields.stream_options?.include_usage === true;
  return {
    isStream: fields.stream === true,
    includeUsage,
    continuousUsage: includeUsage && fields.stream_options?.continuous_usage_stats === true,
    returnTokenIds: fields.return_token_ids === true,
  };
}

/** vLLM's rule: the field of its own wins over a variable of that name. */
function toTemplateVariables({ chat_template_kwargs: kwargs, reasoning_effort: effort }: ChatPromptFields) {
  const { chat_template: _absent, ...variables } = kwargs ?? {};
  return { ...variables, ...withoutNulls({ reasoning_effort: effort }) };
}

/**
 * What becomes the prompt.
 *
 * @throws FoveaError for a part or an image that cannot be used, what `ImageUrls.read` throws, and `MISSING_CAPABILITY` for
 * an image to a model without eyes.
 */
export async function toPromptSource(
  fields: ChatPromptFields,
  model: ChatModel,
  images: ImageUrls,
): Promise<ChatPromptSource> {
  const messages = await parseChatMessages(fields.messages, images);
  const image = messages.flatMap(({ content }) => content).find((part) => part.type === 'image');
  assertEyes(image?.image, model);
  const templateVariables = toTemplateVariables(fields);
  const splitting = fields.mm_processor_kwargs?.do_image_splitting;
  return {
    messages,
    ...(splitting !== undefined && { imageOptions: { doImageSplitting: splitting } }),
    ...(fields.continue_final_message === true && { continueFinalMessage: true }),
    ...(Object.keys(templateVariables).length > 0 && { templateVariables }),
    ...withoutNulls({
      addGenerationPrompt: fields.add_generation_prompt,
      addSpecialTokens: fields.add_special_tokens,
    }),
  };
}

/** The request as a model takes it. Throws what `toPromptSource` throws. */
export async function toChatModelRequest(
  fields: ChatFields,
  requestId: string,
  model: ChatModel,
  images: ImageUrls,
): Promise<ChatModelRequest> {
  const budgetField = fields.max_completion_tokens ? 'max_completion_tokens' : 'max_tokens';
  assertBudget(fields[budgetField], budgetField, model);
  const prompt = await toPromptSource(fields, model, images);
  return {
    ...prompt,
    requestId,
    sampling: toSampling(fields, {
      maxTokens: fields.max_completion_tokens ?? fields.max_tokens,
      topLogprobs: fields.logprobs === true ? (fields.top_logprobs ?? 0) : undefined,
    }),
    choices: fields.n ?? 1,
    ...withoutNulls({ priority: fields.priority, cacheSalt: fields.cache_salt }),
    ...(fields.answer_token_ids?.length && { answerTokenIds: fields.answer_token_ids }),
  };
}
