import { VllmError } from '../http/vllm-error.js';
import type { AcceptedRequest } from '../requests/accepted-request.js';
import type { Admission } from '../requests/admission.js';

interface PoolingBody {
  readonly request_id?: string | null | undefined;
  readonly cache_salt?: string | null | undefined;
  readonly truncate_prompt_tokens?: number | null | undefined;
}

/** Cuts a prompt down to what the request allows, or refuses it when it is too long; -1 means the model's limit. */
export function fitPrompt(
  ids: readonly number[],
  truncate: number | null | undefined,
  maxModelLen: number,
): readonly number[] {
  const limit = truncate === -1 ? maxModelLen : (truncate ?? undefined);
  const kept = limit === undefined ? ids : ids.slice(-limit);
  if (kept.length <= maxModelLen) return kept;
  throw new VllmError(
    400,
    `This model's maximum context length is ${maxModelLen} tokens. However, you requested ${kept.length} tokens in the input for embedding generation. Please reduce the length of the input. (parameter=input_tokens, value=${kept.length})`,
    { param: 'input_tokens' },
  );
}

/** The request the engine gets for a list of prompts that make no tokens. */
export function toPoolingRequest(
  admission: Admission,
  body: PoolingBody,
  facts: Pick<AcceptedRequest, 'model' | 'images' | 'parameters'> & {
    readonly prompts: readonly (readonly number[])[];
  },
): AcceptedRequest {
  const ids = facts.prompts.flat();
  return {
    stream: false,
    requestId: body.request_id ?? undefined,
    model: facts.model,
    images: facts.images,
    lastUserText: admission.text,
    prompt: { ids, cacheIds: ids },
    cacheSalt: body.cache_salt ?? undefined,
    engineRefusal: undefined,
    parameters: facts.parameters,
  };
}

/** Counts of a reply that has no completion. */
export function poolingUsage(promptTokens: number): Record<string, unknown> {
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens,
    completion_tokens: 0,
    prompt_tokens_details: null,
  };
}
