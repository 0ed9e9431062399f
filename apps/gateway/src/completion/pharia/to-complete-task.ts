import type { ModelListing } from '@fovea/model-registry';
import { type CompleteRequestWire, type OptimizedPromptWire } from '@fovea/schemas/http';
import type { BlobRef, CompletionSampling, ResponseFormat } from '@fovea/schemas/jobs';
import type { Capabilities } from '@fovea/schemas/model-package';
import { missing, refuse } from '../../tasks/refusals.js';
import { Candidates } from '../choices/candidates.js';
import type { CompletionWork } from '../submit-completion.js';
import { requireDefaults } from './default-only.js';
import { optimizePrompt } from './optimize-prompt.js';
import { toPromptItems } from './prompt-items.js';

export interface TranslatedComplete {
  readonly work: CompletionWork;
  readonly candidates: Candidates;
  readonly optimized: OptimizedPromptWire | undefined;
}

/** Translates the wire form of `POST /complete`. Throws `INVALID_REQUEST` or `MISSING_CAPABILITY` with the path. */
export function toCompleteTask(
  wire: CompleteRequestWire,
  media: ReadonlyMap<string, BlobRef>,
  listing: ModelListing,
  form: 'text' | 'json',
): TranslatedComplete {
  requireDefaults(wire);
  checkBudget(wire);
  const { n, best_of: bestOf = 1, temperature = 0, echo = false } = wire;
  checkBestOf(wire, form === 'text' && wire.stream === true);
  const candidates = new Candidates({
    prompts: 1,
    n,
    bestOf: bestOf === 1 ? undefined : bestOf,
    temperature,
    echo,
  });
  const { items, blobs, pieces } = toPromptItems(wire.prompt, media, listing);
  const prompt =
    wire.disable_optimizations === true ? { items, optimized: undefined } : optimizePrompt(items);
  const responseFormat = form === 'json' ? jsonFormat(listing.package.capabilities) : undefined;
  const task = {
    kind: 'completion' as const,
    prompts: [[...prompt.items]],
    sampling: toSampling(wire, candidates),
    ...(echo ? { echo } : {}),
    ...(responseFormat === undefined ? {} : { responseFormat }),
  };
  return { work: { task, blobs, pieces: [pieces] }, candidates, optimized: prompt.optimized };
}

function checkBudget({
  maximum_tokens: maximum,
  minimum_tokens: minimum = 0,
  echo,
}: CompleteRequestWire): void {
  if (maximum === undefined) return;
  if (maximum === 0 && echo !== true) throw refuse('maximum_tokens: 0 needs "echo": true.', 'maximum_tokens');
  if (minimum > maximum) throw refuse('minimum_tokens is more than maximum_tokens.', 'minimum_tokens');
}

function checkBestOf({ n = 1, best_of: bestOf = 1 }: CompleteRequestWire, isStreamed: boolean): void {
  if (bestOf === 1) return;
  if (bestOf <= n) throw refuse('best_of must be more than n.', 'best_of');
  if (isStreamed) throw refuse('best_of cannot be streamed.', 'best_of');
}

function toSampling(wire: CompleteRequestWire, candidates: Candidates): CompletionSampling {
  const needsLogprobs = wire.log_probs !== undefined || wire.tokens === true || candidates.areCompared;
  const sampling: { [K in keyof CompletionSampling]: CompletionSampling[K] | undefined } = {
    maxTokens: wire.maximum_tokens,
    minTokens: wire.minimum_tokens === 0 ? undefined : wire.minimum_tokens,
    temperature: wire.temperature ?? 0,
    topP: wire.top_p === 0 ? undefined : wire.top_p,
    topK: wire.top_k === 0 ? undefined : wire.top_k,
    n: candidates.asked === 1 ? undefined : candidates.asked,
    stop: wire.stop_sequences?.length === 0 ? undefined : wire.stop_sequences,
    frequencyPenalty: wire.frequency_penalty,
    presencePenalty: wire.presence_penalty,
    logitBias: wire.logit_bias,
    logprobs: needsLogprobs ? true : undefined,
    topLogprobs: needsLogprobs ? (wire.log_probs ?? 0) : undefined,
  };
  return Object.fromEntries(Object.entries(sampling).filter(([, value]) => value !== undefined));
}

function jsonFormat({ structuredOutput }: Capabilities): ResponseFormat {
  if (structuredOutput.includes('json_object')) return { type: 'json_object' };
  if (structuredOutput.includes('json_schema')) {
    return { type: 'json_schema', name: 'json', schema: { type: 'object' } };
  }
  throw missing('This model cannot be held to JSON.', 'model');
}
