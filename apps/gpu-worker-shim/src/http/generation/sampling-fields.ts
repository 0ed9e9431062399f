import { z } from 'zod';

export const bounded = (min: number, max: number) =>
  z
    .number(`must be a number`)
    .min(min, `must be in [${min}, ${max}]`)
    .max(max, `must be in [${min}, ${max}]`);
export const integer = (min: number) =>
  z.number('must be an integer').int('must be an integer').min(min, `must be at least ${min}`);
export const flag = z.boolean('must be true or false');

/** More than any client sends; each is compared with every piece of text. */
const MAX_STOP_STRINGS = 64;
const MAX_STOP_CHARACTERS = 1024;
const MAX_STOP_TOKEN_IDS = 1024;
/** vLLM's `--max-logprobs`. */
const MAX_LOGPROBS = 20;

/** What is wrong with a stop string, if anything. */
function stopProblem(text: string): string | undefined {
  if (text === '') return 'stop cannot contain an empty string.';
  if (text.length > MAX_STOP_CHARACTERS) return `must have at most ${MAX_STOP_CHARACTERS} characters`;
  // Half of a surrogate pair can stand in JSON, but never in an answer.
  return /\p{Surrogate}/u.test(text) ? 'must be well-formed Unicode' : undefined;
}

const isWhite = (colour: unknown): boolean =>
  Array.isArray(colour) && colour.length === 3 && colour.every((part) => part === 255);

const stop = z
  .union([z.string(), z.array(z.string())], 'must be a string or an array of strings')
  .superRefine((value, context) => {
    const texts = [value].flat();
    const problem =
      texts.length > MAX_STOP_STRINGS
        ? `must hold at most ${MAX_STOP_STRINGS}`
        : texts.map(stopProblem).find((one) => one !== undefined);
    if (problem !== undefined) context.addIssue(problem);
  });

/** A number of alternatives per token. */
export const logprobCount = integer(0).max(MAX_LOGPROBS, `must be at most ${MAX_LOGPROBS}`);

/** How images are read. Other kinds of media are in no request here, so what is said of them changes nothing. */
const mediaOptions = z.looseObject(
  {
    image: z
      .strictObject(
        {
          rgba_background_color: z
            .unknown()
            .refine(
              (colour) => isWhite(colour ?? [255, 255, 255]),
              'must be [255, 255, 255]: what is transparent lies on white here',
            ),
          image_mode: z.unknown().refine((mode) => (mode ?? 'RGB') === 'RGB', 'must be RGB'),
        },
        'may only hold rgba_background_color and image_mode',
      )
      .partial()
      .nullish(),
  },
  'must be an object',
);

/** The fields that every kind of generation has, as vLLM names them, with the bounds it answers 400 for. */
export const generationFields = {
  model: z.string().nullish(),
  request_id: z.string().nullish(),
  stream: flag.nullish(),
  stream_options: z
    .looseObject({ include_usage: flag.nullish(), continuous_usage_stats: flag.nullish() })
    .nullish(),
  n: integer(1).nullish(),
  min_tokens: integer(0).nullish(),
  temperature: z.number('must be a number').min(0, 'must be non-negative').nullish(),
  top_p: z.number('must be a number').gt(0, 'must be in (0, 1]').max(1, 'must be in (0, 1]').nullish(),
  top_k: integer(-1).nullish(),
  min_p: bounded(0, 1).nullish(),
  presence_penalty: bounded(-2, 2).nullish(),
  frequency_penalty: bounded(-2, 2).nullish(),
  repetition_penalty: z.number('must be a number').gt(0, 'must be greater than 0').nullish(),
  logit_bias: z
    .record(z.string().regex(/^\d{1,9}$/, 'must have token ids as keys'), bounded(-100, 100))
    .nullish(),
  seed: z
    .number('must be an integer')
    .refine((seed) => Number.isInteger(seed) && Math.abs(seed) <= 2 ** 63, 'must be a 64-bit integer')
    .nullish(),
  stop: stop.nullish(),
  stop_token_ids: z.array(integer(0)).max(MAX_STOP_TOKEN_IDS).nullish(),
  include_stop_str_in_output: flag.nullish(),
  ignore_eos: flag.nullish(),
  skip_special_tokens: flag.nullish(),
  return_token_ids: flag.nullish(),
  return_tokens_as_token_ids: flag.nullish(),
  mm_processor_kwargs: z
    .strictObject({ do_image_splitting: flag.optional() }, 'may only hold do_image_splitting')
    .nullish(),
  media_io_kwargs: mediaOptions.nullish(),
  priority: integer(-(2 ** 31))
    .max(2 ** 31 - 1, 'must be a 32-bit integer')
    .nullish(),
  cache_salt: z.string('must be a string').min(1, 'must be a non-empty string').nullish(),
  response_format: z.looseObject({ type: z.string() }).nullish(),
};
const generationFieldsSchema = z.looseObject(generationFields);
export type GenerationFields = z.infer<typeof generationFieldsSchema>;
