import type { EngineSettings } from '../engine/engine-options.js';
import { maxTokensOf, stopsOf } from './check-sampling.js';
import type { Sampling } from './sampling.js';
import type { SamplingBody } from './sampling-schema.js';

/** Defaults filled in and the budget lowered to what the prompt leaves of the context, as vLLM does silently. */
export function toSampling(
  body: SamplingBody,
  promptTokens: number,
  settings: EngineSettings,
  defaults: { maxTokens?: number; topLogprobs: number | undefined },
): Sampling {
  const room = settings.maxModelLen - promptTokens;
  const includeUsage = settings.forceIncludeUsage || body.stream_options?.include_usage === true;
  return {
    stream: body.stream === true,
    includeUsage,
    continuousUsage:
      settings.forceIncludeUsage || (includeUsage && body.stream_options?.continuous_usage_stats === true),
    maxTokens: Math.min(maxTokensOf(body) ?? defaults.maxTokens ?? room, room),
    minTokens: body.min_tokens ?? 0,
    ignoreEos: body.ignore_eos === true,
    n: body.n ?? 1,
    seed: body.seed ?? 0,
    stops: stopsOf(body),
    stopTokenIds: body.stop_token_ids ?? [],
    includeStop: body.include_stop_str_in_output === true,
    topLogprobs: defaults.topLogprobs,
    returnTokenIds: settings.dialect.hasTokenIds && body.return_token_ids === true,
    returnTokensAsIds: body.return_tokens_as_token_ids === true,
  };
}
