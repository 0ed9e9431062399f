import { hash, type Token } from '../engine/answer.js';
import type { Output } from '../engine/generation.js';
import type { ChatRequest } from './chat-request.js';

/** What is the same in every chunk of one answer. */
export interface AnswerHead {
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

export const fingerprint = 'vllm-0.29.0-fake';

type Json = Record<string, unknown>;

function logprob(token: string, value: number): Json {
  return { token, logprob: value, bytes: [...Buffer.from(token)] };
}

/** The sampled token always comes first in `top_logprobs`, also when others were likelier. */
function tokenLogprob(token: Token, top: number): Json {
  const value = -((token.id % 1000) / 1000);
  const others = Array.from({ length: Math.max(0, top - 1) }, (_, rank) =>
    logprob(`${token.text}${rank}`, -1 - rank - (hash(token.text) % 100) / 100),
  );
  const list = top === 0 ? [] : [logprob(token.text, value), ...others];
  return { ...logprob(token.text, value), top_logprobs: list };
}

export function logprobsOf(tokens: readonly Token[], request: ChatRequest): Json | null {
  const top = request.topLogprobs;
  if (top === undefined || tokens.length === 0) return null;
  return { content: tokens.map((token) => tokenLogprob(token, top)) };
}

export function usageOf(request: ChatRequest, completionTokens: number): Json {
  return {
    prompt_tokens: request.promptTokens,
    total_tokens: request.promptTokens + completionTokens,
    completion_tokens: completionTokens,
  };
}

function chunk(head: AnswerHead, choices: readonly Json[], rest: Json): Json {
  const { id, created, model } = head;
  return { id, object: 'chat.completion.chunk', created, model, choices, ...rest };
}

const continuous = (request: ChatRequest, completionTokens: number): Json =>
  request.continuousUsage ? { usage: usageOf(request, completionTokens) } : {};

/** Sent when the first output exists, never when the request is accepted. */
export function roleChunk(head: AnswerHead, request: ChatRequest, index: number): Json {
  const choice = { index, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null };
  const ids = request.returnTokenIds ? Array.from({ length: request.promptTokens }, (_, at) => at) : null;
  return chunk(head, [choice], {
    prompt_token_ids: ids,
    prompt_text: null,
    ...continuous(request, 0),
  });
}

export function outputChunk(
  head: AnswerHead,
  request: ChatRequest,
  output: Output,
  reasoningField: string,
): Json {
  const text = output.tokens.map((token) => token.text).join('');
  const choice = {
    index: output.index,
    delta: output.reasoning ? { [reasoningField]: text } : { content: text },
    logprobs: logprobsOf(output.tokens, request),
    finish_reason: output.finish?.reason ?? null,
    ...(output.finish === undefined ? {} : { stop_reason: output.finish.stopReason }),
    token_ids: request.returnTokenIds ? output.tokens.map((token) => token.id) : null,
  };
  const isVeryEnd = output.finish !== undefined && !request.includeUsage;
  return chunk(head, [choice], {
    ...(isVeryEnd ? { system_fingerprint: fingerprint } : {}),
    ...continuous(request, output.completionTokens),
  });
}

export function usageChunk(head: AnswerHead, request: ChatRequest, completionTokens: number): Json {
  return chunk(head, [], { usage: usageOf(request, completionTokens), system_fingerprint: fingerprint });
}

export interface WholeChoice {
  readonly index: number;
  readonly tokens: readonly Token[];
  readonly finishReason: string;
  readonly stopReason: string | null;
}

function messageOf(tokens: readonly Token[], reasoningField: string): Json {
  const say = (reasoning: boolean): string =>
    tokens
      .filter((token) => token.reasoning === reasoning)
      .map((token) => token.text)
      .join('');
  return {
    role: 'assistant',
    content: say(false),
    refusal: null,
    annotations: null,
    audio: null,
    function_call: null,
    tool_calls: [],
    [reasoningField]: say(true) || null,
  };
}

/** The answer in one piece; vLLM writes out every field, null or not. */
export function wholeAnswer(
  head: AnswerHead,
  request: ChatRequest,
  choices: readonly WholeChoice[],
  reasoningField: string,
): Json {
  const total = choices.reduce((sum, choice) => sum + choice.tokens.length, 0);
  const { id, created, model } = head;
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: choices.map(({ index, tokens, finishReason, stopReason }) => ({
      index,
      message: messageOf(tokens, reasoningField),
      logprobs: logprobsOf(tokens, request),
      finish_reason: finishReason,
      stop_reason: stopReason,
      token_ids: request.returnTokenIds ? tokens.map((token) => token.id) : null,
      routed_experts: null,
    })),
    service_tier: null,
    system_fingerprint: fingerprint,
    usage: { ...usageOf(request, total), prompt_tokens_details: null },
    prompt_logprobs: null,
    prompt_token_ids: null,
    prompt_text: null,
    kv_transfer_params: null,
  };
}
