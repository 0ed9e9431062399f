import { FoveaError } from '@fovea/errors';
import type { ChatModel, ChatModelRequest } from '../../models/chat-model.js';
import type { GenerationFields } from '../generation/sampling-fields.js';
import { toSampling, withoutNulls } from '../generation/to-sampling.js';
import type { ChatFields } from './chat-fields.js';
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

/** A budget above the whole context is a mistake; one above the room that a prompt leaves is lowered by the model. */
function assertBudget(fields: ChatFields, { maxModelLen }: ChatModel): void {
  const param = fields.max_completion_tokens ? 'max_completion_tokens' : 'max_tokens';
  const budget = fields[param];
  if (!budget || budget <= maxModelLen) return;
  throw new FoveaError('INVALID_REQUEST', {
    message:
      `'max_tokens' or 'max_completion_tokens' is too large: ${budget}. This model's maximum context length is ` +
      `${maxModelLen} tokens. (parameter=${param}, value=${budget})`,
    param,
    limit: { name: 'max_model_len', value: maxModelLen, actual: budget },
  });
}

/**
 * The request as a model takes it.
 *
 * @throws FoveaError for a part or an image that cannot be used, and `MISSING_CAPABILITY` for an image to a
 * model without eyes.
 */
export function toChatModelRequest(
  fields: ChatFields,
  requestId: string,
  model: ChatModel,
): ChatModelRequest {
  assertBudget(fields, model);
  const messages = parseChatMessages(fields.messages);
  const image = messages.flatMap(({ content }) => content).find((part) => part.type === 'image');
  if (image !== undefined && !model.multimodal) {
    throw new FoveaError('MISSING_CAPABILITY', {
      message: `${model.id} is not a multimodal model.`,
      param: image.image.path,
    });
  }
  const splitting = fields.mm_processor_kwargs?.do_image_splitting;
  return {
    requestId,
    messages,
    sampling: toSampling(fields, {
      maxTokens: fields.max_completion_tokens ?? fields.max_tokens,
      topLogprobs: fields.logprobs === true ? (fields.top_logprobs ?? 0) : undefined,
    }),
    choices: fields.n ?? 1,
    ...(splitting !== undefined && { imageOptions: { doImageSplitting: splitting } }),
    ...withoutNulls({ priority: fields.priority, cacheSalt: fields.cache_salt }),
    ...(fields.answer_token_ids?.length && { answerTokenIds: fields.answer_token_ids }),
    ...(fields.continue_final_message === true && { continueFinalMessage: true }),
    ...(typeof fields.add_generation_prompt === 'boolean' && {
      addGenerationPrompt: fields.add_generation_prompt,
    }),
  };
}
