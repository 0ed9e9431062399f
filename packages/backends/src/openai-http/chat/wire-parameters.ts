import type { Sampling } from '@fovea/schemas/jobs';
import type { ChatGeneration } from '../../index.js';

/**
 * What is sent when the client said nothing. vLLM would otherwise take the values of the model's
 * `generation_config.json`, so the same request would mean something else for each model.
 */
export const apiDefaults: Sampling = { temperature: 1, topP: 1, topK: 0 };

type Wire = Record<string, unknown>;

function toWire(sampling: Sampling): Wire {
  const wire: Wire = {
    max_tokens: sampling.maxTokens,
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
    logprobs: sampling.logprobs,
    top_logprobs: sampling.logprobs === true ? (sampling.topLogprobs ?? 0) : undefined,
  };
  return Object.fromEntries(Object.entries(wire).filter(([, value]) => value !== undefined));
}

export interface WireOptions {
  readonly samplingDefaults: Sampling;
  readonly returnTokenIds: boolean;
}

/**
 * Every field of the engine's request but the messages. What the client set wins over engine extensions, these
 * win over defaults, and nothing wins over what this adapter needs to read the answer.
 */
export function toWireParameters(request: ChatGeneration, options: WireOptions): Wire {
  return {
    ...toWire(options.samplingDefaults),
    ...request.extensions,
    ...toWire(request.sampling),
    model: request.model,
    stream: true,
    stream_options: { include_usage: true, continuous_usage_stats: true },
    ...(options.returnTokenIds ? { return_token_ids: true } : {}),
  };
}
