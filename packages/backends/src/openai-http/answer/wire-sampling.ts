import type { CompletionSampling, ResponseFormat, Sampling } from '@fovea/schemas/jobs';
import type { ChatGeneration, CompletionGeneration } from '../../index.js';

/**
 * What is sent when the client said nothing. vLLM would otherwise take the values of the model's
 * `generation_config.json`, so the same request would mean something else for each model.
 */
const apiDefaults: Sampling = { temperature: 1, topP: 1, topK: 0 };

/** What else that file may set, and no client of ours can but as an extension: off. */
const neutral = { min_p: 0, repetition_penalty: 1 };

/**
 * No extension may set these: they are translated from the request's own fields, or they change how the answer is read.
 */
const reserved = new Set([
  ...[
    'messages',
    'prompt',
    'prompt_items',
    'echo',
    'model',
    'stream',
    'stream_options',
    'max_completion_tokens',
    'n',
    'best_of',
    'use_beam_search',
  ],
  ...['logprobs', 'top_logprobs', 'prompt_logprobs', 'return_token_ids', 'request_id', 'cache_salt'],
  ...['tools', 'tool_choice', 'parallel_tool_calls', 'functions', 'function_call', 'response_format'],
]);

export type Wire = Record<string, unknown>;

function toWire(sampling: Omit<CompletionSampling, 'logprobs' | 'topLogprobs'>): Wire {
  const wire: Wire = {
    max_tokens: sampling.maxTokens,
    min_tokens: sampling.minTokens,
    temperature: sampling.temperature,
    // 0 means "off" in PhariaInference; vLLM refuses it and writes 1.
    top_p: sampling.topP === 0 ? 1 : sampling.topP,
    top_k: sampling.topK,
    n: sampling.n,
    stop: sampling.stop,
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    logit_bias: sampling.logitBias,
    seed: sampling.seed,
  };
  return Object.fromEntries(Object.entries(wire).filter(([, value]) => value !== undefined));
}

function toWireFormat(format: ResponseFormat): Wire {
  const { type, ...schema } = format;
  return type === 'json_object' ? { type } : { type, json_schema: schema };
}

export interface WireOptions {
  /** For what the request leaves open; the API's own when left out. */
  readonly samplingDefaults?: Sampling | undefined;
  readonly returnTokenIds: boolean;
}

/**
 * Every field of the engine's request but what is asked; `own` are those of one route. What the client set wins over
 * engine extensions, these win over defaults, and nothing wins over what this adapter needs to read the answer.
 */
export function wireParameters(
  request: ChatGeneration | CompletionGeneration,
  { samplingDefaults, returnTokenIds }: WireOptions,
  own: Wire,
): Wire {
  const extensions = Object.entries(request.extensions ?? {}).filter(([name]) => !reserved.has(name));
  return {
    ...(samplingDefaults === undefined ? { ...toWire(apiDefaults), ...neutral } : toWire(samplingDefaults)),
    ...Object.fromEntries(extensions),
    ...toWire(request.sampling),
    ...own,
    ...(request.responseFormat === undefined
      ? {}
      : { response_format: toWireFormat(request.responseFormat) }),
    ...(request.cacheSalt ? { cache_salt: request.cacheSalt } : {}),
    model: request.model,
    stream: true,
    stream_options: { include_usage: true, continuous_usage_stats: true },
    ...(returnTokenIds ? { return_token_ids: true } : {}),
  };
}
