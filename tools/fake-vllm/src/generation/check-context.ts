import type { EngineSettings } from '../engine/engine-options.js';
import { VllmError } from '../http/vllm-error.js';
import { maxLogprobs } from './check-sampling.js';

/** Throws vLLM's 400 for a text that is too long, before images are expanded: each counts as one token here. */
export function checkTextLength(
  length: number,
  maxTokens: number | undefined,
  settings: EngineSettings,
): void {
  const { maxModelLen, dialect } = settings;
  const wanted = maxTokens ?? 0;
  if (dialect.errorForm === 'flat') {
    if (length + wanted <= maxModelLen) return;
    throw new VllmError(
      400,
      `This model's maximum context length is ${maxModelLen} tokens. However, you requested ${length + wanted} tokens (${length} in the messages, ${wanted} in the completion). Please reduce the length of the messages or completion.`,
    );
  }
  if (length <= maxModelLen) return;
  throw new VllmError(
    400,
    `This model's maximum context length is ${maxModelLen} tokens. However, your request has ${length} input tokens. Please reduce the length of the input messages. (parameter=input_tokens, value=${length})`,
    { param: 'input_tokens' },
  );
}

/** Throws vLLM's 400 for a prompt that is too long once its images are expanded. */
export function checkPromptLength(length: number, { maxModelLen }: EngineSettings): void {
  if (length <= maxModelLen) return;
  throw new VllmError(
    400,
    `Input length (${length}) exceeds model's maximum context length (${maxModelLen}).`,
  );
}

/** Unlike chats, completions are refused when prompt and budget together are too long (vLLM 0.16 and later). */
export function checkRoom(length: number, maxTokens: number, { maxModelLen }: EngineSettings): void {
  if (length + maxTokens <= maxModelLen || length > maxModelLen) return;
  throw new VllmError(
    400,
    `This model's maximum context length is ${maxModelLen} tokens. However, you requested ${maxTokens} output tokens and your prompt contains at least ${length} input tokens, for a total of at least ${length + maxTokens} tokens. Please reduce the length of the input prompt or the number of requested output tokens. (parameter=input_tokens, value=${length})`,
    { param: 'input_tokens' },
  );
}

/** What only the engine finds out: no room for an answer, more logprobs than the server allows. */
export function engineRefusal(
  promptTokens: number,
  logprobs: number | undefined,
  { maxModelLen }: EngineSettings,
): VllmError | undefined {
  if (logprobs !== undefined && (logprobs > maxLogprobs || logprobs === -1)) {
    const message = `Requested sample logprobs of ${logprobs}, which is greater than max allowed: ${maxLogprobs}`;
    return new VllmError(400, message);
  }
  if (promptTokens >= maxModelLen) {
    const message = `The decoder prompt (length ${promptTokens}) is longer than the maximum model length of ${maxModelLen}. Make sure that max_model_len is no smaller than the number of text tokens plus multimodal tokens.`;
    return new VllmError(400, message);
  }
  return undefined;
}
