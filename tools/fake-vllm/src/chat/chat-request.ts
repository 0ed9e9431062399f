import { checkParameters, maxLogprobs, maxTokensOf, stopsOf } from './check-parameters.js';
import { openDataUrl, type SeenImage } from './data-url.js';
import {
  type ChatRequestBody,
  chatRequestSchema,
  pydanticRepr,
  type RequestMessage,
} from './request-schema.js';
import { VllmError } from './vllm-error.js';

export interface EngineLimits {
  readonly model: string;
  readonly maxModelLen: number;
  readonly multimodal: boolean;
  readonly maxImagesPerPrompt: number;
}

/** A request the engine has accepted. */
export interface ChatRequest {
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly continuousUsage: boolean;
  /** Room for the answer: what was asked for, lowered to what the context leaves. */
  readonly maxTokens: number;
  readonly minTokens: number;
  readonly ignoreEos: boolean;
  readonly n: number;
  readonly seed: number;
  readonly stops: readonly string[];
  /** Alternatives per token; undefined when no logprobs were asked for. */
  readonly topLogprobs: number | undefined;
  readonly returnTokenIds: boolean;
  readonly requestId: string | undefined;
  readonly images: readonly SeenImage[];
  readonly lastUserText: string;
  readonly promptTokens: number;
  /** Set when vLLM would find the fault only inside the engine: a stream then begins with the error. */
  readonly engineRefusal: VllmError | undefined;
  /** Everything but the messages, as it came. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

function textOf(message: RequestMessage): string {
  if (typeof message.content === 'string') return message.content;
  return (message.content ?? []).map((part) => ('text' in part ? part.text : '')).join(' ');
}

function imagesOf(messages: readonly RequestMessage[], limits: EngineLimits): SeenImage[] {
  const images: SeenImage[] = [];
  for (const message of messages) {
    if (typeof message.content === 'string') continue;
    for (const part of message.content ?? []) {
      if ('text' in part) continue;
      if (!('image_url' in part)) {
        throw new VllmError(400, `Unsupported chat content part type: '${part.type}'`, { param: 'type' });
      }
      if (!limits.multimodal) throw new VllmError(400, `${limits.model} is not a multimodal model`);
      images.push(openDataUrl(part.image_url.url));
    }
  }
  if (images.length > limits.maxImagesPerPrompt) {
    throw new VllmError(400, `At most ${limits.maxImagesPerPrompt} image(s) may be provided in one prompt.`);
  }
  return images;
}

/** Words stand in for text tokens, and four more per message for its wrapper. */
function textTokens(messages: readonly RequestMessage[]): number {
  return messages.reduce((sum, message) => sum + 4 + (textOf(message).match(/\S+/g)?.length ?? 0), 0);
}

/** One token per 28 × 28 pixels, as Qwen2-VL counts before its upper bound. */
function imageTokens(image: SeenImage): number {
  return Math.ceil(image.width / 28) * Math.ceil(image.height / 28);
}

function checkContext(
  textLength: number,
  promptTokens: number,
  imageCount: number,
  limits: EngineLimits,
): void {
  const beforeExpansion = textLength + imageCount;
  if (beforeExpansion > limits.maxModelLen) {
    throw new VllmError(
      400,
      `This model's maximum context length is ${limits.maxModelLen} tokens. However, your request has ${beforeExpansion} input tokens. Please reduce the length of the input messages. (parameter=input_tokens, value=${beforeExpansion})`,
      { param: 'input_tokens' },
    );
  }
  if (promptTokens > limits.maxModelLen) {
    throw new VllmError(
      400,
      `Input length (${promptTokens}) exceeds model's maximum context length (${limits.maxModelLen}).`,
    );
  }
}

function engineRefusal(
  body: ChatRequestBody,
  promptTokens: number,
  maxModelLen: number,
): VllmError | undefined {
  if ((body.top_logprobs ?? 0) > maxLogprobs) {
    const message = `Requested sample logprobs of ${body.top_logprobs}, which is greater than max allowed: ${maxLogprobs}`;
    return new VllmError(400, message);
  }
  if (promptTokens === maxModelLen) {
    const message = `The decoder prompt (length ${promptTokens}) is longer than the maximum model length of ${maxModelLen}. Make sure that max_model_len is no smaller than the number of text tokens plus multimodal tokens.`;
    return new VllmError(400, message);
  }
  return undefined;
}

function parseBody(value: unknown): ChatRequestBody {
  const parsed = chatRequestSchema.safeParse(value);
  if (!parsed.success) throw new VllmError(400, pydanticRepr(parsed.error), { type: 'Bad Request' });
  return parsed.data;
}

/** Checks a chat request in vLLM's order and with vLLM's refusals; throws a `VllmError`. */
export function parseChatRequest(value: unknown, limits: EngineLimits): ChatRequest {
  const body = parseBody(value);
  const { messages, ...parameters } = body;
  if (body.model && body.model !== limits.model) {
    throw new VllmError(404, `The model \`${body.model}\` does not exist.`, { param: 'model' });
  }
  checkParameters(body, limits.maxModelLen);
  if (messages.length === 0) throw new VllmError(400, 'list index out of range');
  const images = imagesOf(messages, limits);
  const textLength = textTokens(messages);
  const promptTokens = textLength + images.reduce((sum, image) => sum + imageTokens(image), 0);
  checkContext(textLength, promptTokens, images.length, limits);
  const room = limits.maxModelLen - promptTokens;
  const includeUsage = body.stream_options?.include_usage === true;
  return {
    stream: body.stream === true,
    includeUsage,
    continuousUsage: includeUsage && body.stream_options?.continuous_usage_stats === true,
    maxTokens: Math.min(maxTokensOf(body) ?? room, room),
    minTokens: body.min_tokens ?? 0,
    ignoreEos: body.ignore_eos === true,
    n: body.n ?? 1,
    seed: body.seed ?? 0,
    stops: stopsOf(body),
    topLogprobs: body.logprobs === true ? (body.top_logprobs ?? 0) : undefined,
    returnTokenIds: body.return_token_ids === true,
    requestId: body.request_id ?? undefined,
    images,
    lastUserText: textOf(messages.findLast((message) => message.role === 'user') ?? { role: 'user' }),
    promptTokens,
    engineRefusal: engineRefusal(body, promptTokens, limits.maxModelLen),
    parameters,
  };
}
