import { constrainedText } from '../constraints/constraint.js';
import type { EngineSettings } from '../engine/engine-options.js';
import { checkPromptLength, checkTextLength, engineRefusal } from '../generation/check-context.js';
import { maxTokensOf } from '../generation/check-sampling.js';
import type { GenerationRequest } from '../generation/generation-request.js';
import { toSampling } from '../generation/to-sampling.js';
import { parseAs } from '../http/parse-as.js';
import { maxBodyBytes, readJson } from '../http/respond.js';
import { unknownModel, VllmError } from '../http/vllm-error.js';
import type { SeenImage } from '../media/seen-image.js';
import type { Admission } from '../requests/admission.js';
import {
  buildPrompt,
  imagePartsOf,
  lastUserText,
  pixelBounds,
  textOf,
  unexpandedLength,
} from './chat-prompt.js';
import { type ChatRequestBody, type ChatTool, chatRequestSchema } from './chat-schema.js';
import { checkChat, namedTool } from './check-chat.js';

/** A chat request the engine has accepted. */
export interface ChatRequest extends GenerationRequest {
  /** Empty unless the model may call them. */
  readonly tools: readonly ChatTool[];
  readonly toolChoice: 'auto' | 'required' | 'named';
  readonly parallelToolCalls: boolean;
  readonly includeReasoning: boolean;
  /** The final message when it is continued; empty otherwise. */
  readonly continued: string;
  readonly echo: boolean;
  /** What a schema, pattern or choice leaves as the smallest answer. */
  readonly constrainedText: string | undefined;
  readonly wantsPromptLogprobs: boolean;
}

/** Old servers append the cause to every error of preprocessing, and there is none. */
export async function preprocess<T>(settings: EngineSettings, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof VllmError) || settings.dialect.causeSuffix === '' || error.form !== undefined) {
      throw error;
    }
    const options = { type: error.type, ...(error.param === null ? {} : { param: error.param }) };
    throw new VllmError(error.status, `${error.message}${settings.dialect.causeSuffix}`, options);
  }
}

function toolChoiceOf(body: ChatRequestBody): ChatRequest['toolChoice'] {
  if (namedTool(body) !== undefined) return 'named';
  return body.tool_choice === 'required' ? 'required' : 'auto';
}

function toolsOf(body: ChatRequestBody): readonly ChatTool[] {
  if (body.tool_choice === 'none') return [];
  const name = namedTool(body);
  return (body.tools ?? []).filter((tool) => name === undefined || tool.function.name === name);
}

/** Refuses an image that the encoder's budget can't hold; the engine is the first to notice. */
function encoderRefusal(images: readonly SeenImage[], settings: EngineSettings): VllmError | undefined {
  const large = images.find((image) => image.tokens > settings.maxTokensPerImage);
  if (large === undefined) return undefined;
  return new VllmError(
    400,
    `The decoder prompt contains a(n) image item with length ${large.tokens}, which exceeds the pre-allocated encoder cache size ${settings.maxTokensPerImage}. Please reduce the input size or increase the encoder cache size by setting --limit-mm-per-prompt at startup.`,
  );
}

function rankRefusal(admission: Admission): VllmError | undefined {
  const { dataParallelSize } = admission.engine.settings;
  const rank = Number(admission.incoming.headers['x-data-parallel-rank'] ?? Number.NaN);
  if (!Number.isInteger(rank) || (rank >= 0 && rank < dataParallelSize)) return undefined;
  return new VllmError(400, `data_parallel_rank ${rank} is out of range [0, ${dataParallelSize}).`);
}

/** Checks a chat request in vLLM's order and with vLLM's refusals; throws a `VllmError`. */
export async function parseChatRequest(admission: Admission): Promise<ChatRequest> {
  const { engine, incoming } = admission;
  const { settings } = engine;
  const body = parseAs(chatRequestSchema, await readJson(incoming, maxBodyBytes));
  const { messages, ...parameters } = body;
  if (!engine.serves(body.model)) throw unknownModel(body.model);
  checkChat(body, settings);
  admission.identify(lastUserText(messages), body.request_id ?? undefined);
  return preprocess(settings, async () => {
    if (messages.length === 0) throw new VllmError(400, 'list index out of range');
    const parts = imagePartsOf(messages, settings);
    const images = await admission.readImages(parts, pixelBounds(body.mm_processor_kwargs));
    const prompt = buildPrompt(body, images);
    checkTextLength(unexpandedLength(prompt, images), maxTokensOf(body), settings);
    checkPromptLength(prompt.ids.length, settings);
    const topLogprobs = body.logprobs === true ? (body.top_logprobs ?? 0) : undefined;
    const constrained = constrainedText(body, settings.dialect);
    const final = messages.at(-1);
    const isContinued = body.continue_final_message === true && final?.role === 'assistant';
    return {
      stream: body.stream === true,
      requestId: body.request_id ?? undefined,
      model: engine.replyName(body.model),
      images,
      lastUserText: admission.text,
      prompt,
      cacheSalt: body.cache_salt ?? undefined,
      engineRefusal:
        engineRefusal(prompt.ids.length, body.top_logprobs ?? undefined, settings) ??
        encoderRefusal(images, settings) ??
        rankRefusal(admission) ??
        constrained.refusal,
      parameters,
      sampling: toSampling(body, prompt.ids.length, settings, { topLogprobs }),
      tools: toolsOf(body),
      toolChoice: toolChoiceOf(body),
      parallelToolCalls: body.parallel_tool_calls !== false,
      includeReasoning: body.include_reasoning !== false,
      continued: isContinued && final !== undefined ? textOf(final) : '',
      echo: body.echo === true,
      constrainedText: constrained.text,
      wantsPromptLogprobs: body.prompt_logprobs != null,
    };
  });
}
