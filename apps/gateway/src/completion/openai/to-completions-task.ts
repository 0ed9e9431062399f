import { FoveaError } from '@fovea/errors';
import type { ModelListing } from '@fovea/model-registry';
import { type CompletionsRequestWire, MAX_CANDIDATES } from '@fovea/schemas/http';
import type { CompletionSampling, PromptItem } from '@fovea/schemas/jobs';
import type { PromptPiece } from '../../admission/prompt-tokens.js';
import { splitExtensions } from '../../extensions/split-extensions.js';
import { missing, refuse } from '../../tasks/refusals.js';
import { Candidates } from '../choices/candidates.js';
import type { CompletionWork } from '../submit-completion.js';

/** What OpenAI's route generates when nothing is said. */
const DEFAULT_MAX_TOKENS = 16;

export interface TranslatedCompletions {
  readonly work: CompletionWork;
  readonly candidates: Candidates;
  readonly ignored: readonly string[];
}

/** Translates the wire form of `POST /completions`. Throws `INVALID_REQUEST` or `MISSING_CAPABILITY` with the path. */
export function toCompletionsTask(
  wire: CompletionsRequestWire,
  unknown: Readonly<Record<string, unknown>>,
  listing: ModelListing,
): TranslatedCompletions {
  if (wire.suffix !== undefined && wire.suffix !== '') {
    throw missing('No model here fills in the middle.', 'suffix');
  }
  const {
    n = 1,
    best_of: bestOf,
    max_tokens: maxTokens = DEFAULT_MAX_TOKENS,
    temperature,
    echo = false,
  } = wire;
  if (maxTokens === 0 && !echo) throw refuse('max_tokens: 0 needs "echo": true.', 'max_tokens');
  if (bestOf !== undefined && bestOf < n) throw refuse('best_of is less than n.', 'best_of');
  if (wire.stream === true && bestOf !== undefined && bestOf > n) {
    throw refuse('best_of cannot be streamed.', 'best_of');
  }
  const prompts = toPrompts(wire.prompt);
  checkNumber(prompts.length * (bestOf ?? n), prompts.length > 1 ? 'prompt' : 'n');
  const candidates = new Candidates({ prompts: prompts.length, n, bestOf, temperature, echo });
  const { extensions, ignored } = splitExtensions(unknown, listing.package.extensions);
  const task = {
    kind: 'completion' as const,
    prompts: prompts.map(({ item }) => [item]),
    sampling: toSampling(wire, candidates, maxTokens),
    ...(echo ? { echo } : {}),
    ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
  };
  return { work: { task, blobs: [], pieces: prompts.map(({ piece }) => [piece]) }, candidates, ignored };
}

interface Prompt {
  readonly item: PromptItem;
  readonly piece: PromptPiece;
}

function toPrompts(prompt: CompletionsRequestWire['prompt']): Prompt[] {
  if (typeof prompt === 'string') return [toPrompt(prompt, 'prompt')];
  const ids = prompt.filter((each) => typeof each === 'number');
  if (ids.length > 0) return [toPrompt(ids, 'prompt')];
  const several = prompt.filter((each) => typeof each !== 'number');
  return several.map((each, at) => toPrompt(each, `prompt[${at}]`));
}

function toPrompt(prompt: string | number[], path: string): Prompt {
  if (typeof prompt === 'string') {
    return { item: { type: 'text', text: prompt }, piece: { path, text: prompt } };
  }
  return { item: { type: 'token-ids', tokenIds: prompt }, piece: { path, tokens: prompt.length } };
}

function checkNumber(texts: number, param: string): void {
  if (texts <= MAX_CANDIDATES) return;
  throw new FoveaError('INVALID_REQUEST', {
    message: `One request generates at most ${MAX_CANDIDATES} texts; this one asks for ${texts}.`,
    param,
    limit: { name: 'max_candidates', value: MAX_CANDIDATES, actual: texts },
  });
}

function toSampling(
  wire: CompletionsRequestWire,
  candidates: Candidates,
  maxTokens: number,
): CompletionSampling {
  const needsLogprobs = wire.logprobs !== undefined || candidates.areCompared;
  const sampling: { [K in keyof CompletionSampling]: CompletionSampling[K] | undefined } = {
    maxTokens,
    temperature: wire.temperature,
    topP: wire.top_p === 0 ? undefined : wire.top_p,
    topK: wire.top_k === 0 || wire.top_k === -1 ? undefined : wire.top_k,
    n: candidates.asked === 1 ? undefined : candidates.asked,
    stop: typeof wire.stop === 'string' ? [wire.stop] : wire.stop,
    frequencyPenalty: wire.frequency_penalty,
    presencePenalty: wire.presence_penalty,
    logitBias: wire.logit_bias,
    seed: wire.seed,
    logprobs: needsLogprobs ? true : undefined,
    topLogprobs: needsLogprobs ? (wire.logprobs ?? 0) : undefined,
  };
  return Object.fromEntries(Object.entries(sampling).filter(([, value]) => value !== undefined));
}
