import type { ChatRequestWire } from '@fovea/schemas/http';
import type { Sampling } from '@fovea/schemas/jobs';
import { refuse } from '../../tasks/refusals.js';

/** The sampling fields; throws `INVALID_REQUEST` where they contradict each other. */
export function toSampling(wire: ChatRequestWire): Sampling {
  if (wire.top_logprobs !== undefined && wire.logprobs !== true) {
    throw refuse('top_logprobs needs "logprobs": true.', 'top_logprobs');
  }
  const sampling: Record<keyof Sampling, unknown> = {
    maxTokens: tokenCap(wire),
    temperature: wire.temperature,
    topP: wire.top_p === 0 ? undefined : wire.top_p,
    topK: wire.top_k === 0 || wire.top_k === -1 ? undefined : wire.top_k,
    n: wire.n,
    stop: typeof wire.stop === 'string' ? [wire.stop] : wire.stop,
    frequencyPenalty: wire.frequency_penalty,
    presencePenalty: wire.presence_penalty,
    logitBias: wire.logit_bias,
    seed: wire.seed,
    logprobs: wire.logprobs,
    topLogprobs: wire.top_logprobs,
  };
  return Object.fromEntries(Object.entries(sampling).filter(([, value]) => value !== undefined));
}

/** Three names for one bound; two different values are a contradiction. */
function tokenCap(wire: ChatRequestWire): number | undefined {
  const names = ['max_tokens', 'maximum_tokens', 'max_completion_tokens'] as const;
  const given = names.filter((name) => wire[name] !== undefined);
  const [first] = given;
  const conflict = given.find((name) => wire[name] !== wire[first ?? name]);
  if (conflict !== undefined) throw refuse(`${conflict} contradicts ${first}.`, conflict);
  return first === undefined ? undefined : wire[first];
}
