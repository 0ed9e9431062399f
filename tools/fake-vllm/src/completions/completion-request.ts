import { z } from 'zod';
import { constrainedText, constraintChecks } from '../constraints/constraint.js';
import { checkPromptLength, checkRoom, checkTextLength, engineRefusal } from '../generation/check-context.js';
import { checkSampling, maxTokensOf, runChecks } from '../generation/check-sampling.js';
import type { GenerationRequest } from '../generation/generation-request.js';
import { samplingFields, wholeNumber } from '../generation/sampling-schema.js';
import { toSampling } from '../generation/to-sampling.js';
import { parseAs } from '../http/parse-as.js';
import { maxBodyBytes, readJson } from '../http/respond.js';
import { unknownModel, VllmError } from '../http/vllm-error.js';
import type { Admission } from '../requests/admission.js';
import { encode, tokenText } from '../tokenizer/vocabulary.js';

/** vLLM's default for `max_tokens` of this route. */
const defaultMaxTokens = 16;

const ids = z.array(wholeNumber).min(1);
const schema = z.looseObject({
  ...samplingFields,
  prompt: z.union([z.string(), ids, z.array(z.union([z.string(), ids])).min(1)]),
  logprobs: wholeNumber.nullish(),
  echo: z.boolean().nullish(),
  suffix: z.string().nullish(),
});

/** One prompt of a completion request. */
export interface CompletionPrompt {
  readonly text: string;
  readonly ids: readonly number[];
}

/** A completion request the engine has accepted; its choices are numbered prompt by prompt. */
export interface CompletionRequest extends GenerationRequest {
  readonly prompts: readonly CompletionPrompt[];
  readonly echo: boolean;
  /** The prompt is all of the answer. */
  readonly echoesOnly: boolean;
  readonly constrainedText: string | undefined;
  readonly wantsPromptLogprobs: boolean;
}

function toPrompt(given: string | readonly number[]): CompletionPrompt {
  if (typeof given === 'string') return { text: given, ids: encode(given) };
  return { text: given.map(tokenText).join(''), ids: given };
}

function toPrompts(prompt: z.infer<typeof schema>['prompt']): CompletionPrompt[] {
  if (typeof prompt === 'string') return [toPrompt(prompt)];
  if (prompt.every((each) => typeof each === 'number')) return [toPrompt(prompt)];
  return prompt.map((each) => toPrompt(typeof each === 'number' ? [each] : each));
}

/** Checks a completion request with vLLM's refusals; throws a `VllmError`. */
export async function parseCompletionRequest(admission: Admission): Promise<CompletionRequest> {
  const { engine, incoming } = admission;
  const { settings } = engine;
  const body = parseAs(schema, await readJson(incoming, maxBodyBytes));
  const { prompt, ...parameters } = body;
  if (!engine.serves(body.model)) throw unknownModel(body.model);
  if (body.suffix != null) throw new VllmError(400, 'suffix is not currently supported');
  runChecks(constraintChecks, body, settings);
  // With 0 and `echo` the prompt is run and one token sampled that is not shown.
  const echoesOnly = body.echo === true && body.max_tokens === 0;
  const sampled = echoesOnly ? { ...body, max_tokens: 1 } : body;
  checkSampling(sampled, settings);
  const prompts = toPrompts(prompt);
  const text = prompts.map((each) => each.text).join('\n');
  admission.identify(text, body.request_id ?? undefined);
  const longest = Math.max(...prompts.map((each) => each.ids.length));
  checkTextLength(longest, maxTokensOf(sampled), settings);
  checkRoom(longest, body.max_tokens ?? defaultMaxTokens, settings);
  checkPromptLength(longest, settings);
  const constrained = constrainedText(body, settings.dialect);
  const allIds = prompts.flatMap((each) => each.ids);
  const topLogprobs = body.logprobs ?? undefined;
  const sampling = toSampling(sampled, longest, settings, { maxTokens: defaultMaxTokens, topLogprobs });
  return {
    stream: sampling.stream,
    requestId: body.request_id ?? undefined,
    model: engine.replyName(body.model),
    images: [],
    lastUserText: text,
    prompt: { ids: allIds, cacheIds: allIds },
    cacheSalt: body.cache_salt ?? undefined,
    engineRefusal: engineRefusal(longest, topLogprobs, settings) ?? constrained.refusal,
    parameters,
    sampling,
    prompts,
    echo: body.echo === true,
    echoesOnly,
    constrainedText: constrained.text,
    wantsPromptLogprobs: body.prompt_logprobs != null,
  };
}
