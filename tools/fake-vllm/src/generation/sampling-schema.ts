import { z } from 'zod';

/** A whole number of any size: Python has no 53-bit limit. */
export const wholeNumber = z.number().refine(Number.isInteger, 'Input should be a valid integer');
const int64 = 2 ** 63;
const flag = z.boolean().nullish();
const number = z.number().nullish();
const integer = wholeNumber.nullish();

/** Fields of a request that makes tokens; chat, completions and transcription share them. */
export const samplingFields = {
  model: z.string().nullish(),
  stream: flag,
  stream_options: z.object({ include_usage: flag, continuous_usage_stats: flag }).nullish(),
  max_tokens: integer,
  min_tokens: integer,
  ignore_eos: flag,
  n: integer,
  seed: wholeNumber
    .min(-int64, 'Input should be greater than or equal to -9223372036854775808')
    .max(int64, 'Input should be less than or equal to 9223372036854775807')
    .nullish(),
  temperature: number,
  top_p: number,
  top_k: integer,
  min_p: number,
  frequency_penalty: number,
  presence_penalty: number,
  repetition_penalty: number,
  logit_bias: z.record(z.string(), z.number()).nullish(),
  allowed_token_ids: z.array(wholeNumber).nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  stop_token_ids: z.array(wholeNumber).nullish(),
  include_stop_str_in_output: flag,
  truncate_prompt_tokens: integer,
  prompt_logprobs: integer,
  response_format: z
    .looseObject({ type: z.enum(['text', 'json_object', 'json_schema', 'structural_tag']) })
    .nullish(),
  structured_outputs: z.looseObject({}).nullish(),
  guided_json: z.unknown().optional(),
  guided_regex: z.string().nullish(),
  guided_choice: z.array(z.string()).nullish(),
  guided_grammar: z.string().nullish(),
  request_id: z.string().nullish(),
  cache_salt: z.string().nullish(),
  return_token_ids: flag,
  return_tokens_as_token_ids: flag,
  priority: integer,
} as const;

const samplingSchema = z.looseObject(samplingFields);
export type SamplingBody = z.infer<typeof samplingSchema>;

/** The way pydantic failures look on vLLM's wire: the Python repr of a list, not fit for users' eyes. */
export function pydanticRepr(error: z.ZodError): string {
  const entries = error.issues.map((issue) => {
    const location = ['body', ...issue.path].map((step) =>
      typeof step === 'number' ? step : `'${String(step)}'`,
    );
    const type =
      { invalid_type: 'missing', too_small: 'greater_than_equal', too_big: 'less_than_equal' }[
        issue.code as string
      ] ?? 'value_error';
    return `{'type': '${type}', 'loc': (${location.join(', ')}), 'msg': '${issue.message.replaceAll("'", '’')}'}`;
  });
  return `[${entries.join(', ')}]`;
}
