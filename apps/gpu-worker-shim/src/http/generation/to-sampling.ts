import type { ChatModelSampling } from '../../models/chat-model.js';
import type { GenerationFields } from './sampling-fields.js';

type Defined<T> = { [K in keyof T]?: Exclude<T[K], null | undefined> };

/** JSON's null means the same as a field left out. */
export function withoutNulls<T extends object>(record: T): Defined<T> {
  const kept = Object.entries(record).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(kept) as Defined<T>;
}

/** Sampling parameters as a model takes them; the budget and log probabilities have other fields in each route. */
export function toSampling(
  fields: GenerationFields,
  own: { readonly maxTokens?: number | null | undefined; readonly topLogprobs?: number | undefined },
): ChatModelSampling {
  const bias = Object.entries(fields.logit_bias ?? {}).map(([id, value]) => [Number(id), value] as const);
  return {
    ...withoutNulls({
      ...own,
      temperature: fields.temperature,
      topP: fields.top_p,
      topK: fields.top_k,
      minP: fields.min_p,
      presencePenalty: fields.presence_penalty,
      frequencyPenalty: fields.frequency_penalty,
      repetitionPenalty: fields.repetition_penalty,
      seed: fields.seed,
      stopTokenIds: fields.stop_token_ids,
      includeStopString: fields.include_stop_str_in_output,
      ignoreEos: fields.ignore_eos,
      minTokens: fields.min_tokens,
      skipSpecialTokens: fields.skip_special_tokens,
    }),
    ...(fields.stop && { stop: [fields.stop].flat() }),
    ...(bias.length > 0 && { logitBias: new Map(bias) }),
  };
}
