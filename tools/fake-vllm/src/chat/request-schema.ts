import { z } from 'zod';

const integer = z.number().int();

const textPartSchema = z.object({ type: z.literal('text'), text: z.string() });
const imagePartSchema = z.object({
  type: z.literal('image_url').optional(),
  image_url: z.object({ url: z.string() }),
});
/** Parts of other kinds pass here and are refused by name later, as vLLM does. */
const otherPartSchema = z.object({ type: z.string() });

const messageSchema = z.object({
  role: z.string(),
  content: z
    .union([z.string(), z.array(z.union([textPartSchema, imagePartSchema, otherPartSchema]))])
    .nullish(),
  name: z.string().nullish(),
});

/** The fields that change what this engine does; like vLLM it lets unknown ones pass. */
export const chatRequestSchema = z.looseObject({
  messages: z.array(messageSchema),
  model: z.string().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z
    .object({ include_usage: z.boolean().nullish(), continuous_usage_stats: z.boolean().nullish() })
    .nullish(),
  max_tokens: integer.nullish(),
  max_completion_tokens: integer.nullish(),
  min_tokens: integer.nullish(),
  ignore_eos: z.boolean().nullish(),
  n: integer.nullish(),
  seed: integer.nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  top_k: integer.nullish(),
  min_p: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
  presence_penalty: z.number().nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: integer.nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  request_id: z.string().nullish(),
  return_token_ids: z.boolean().nullish(),
});
export type ChatRequestBody = z.infer<typeof chatRequestSchema>;
export type RequestMessage = ChatRequestBody['messages'][number];

/** The way pydantic failures look on vLLM's wire: the Python repr of a list, not fit for users' eyes. */
export function pydanticRepr(error: z.ZodError): string {
  const entries = error.issues.map((issue) => {
    const location = ['body', ...issue.path].map((step) =>
      typeof step === 'number' ? step : `'${String(step)}'`,
    );
    const type = issue.code === 'invalid_type' ? 'missing' : 'value_error';
    return `{'type': '${type}', 'loc': (${location.join(', ')}), 'msg': '${issue.message.replaceAll("'", '’')}'}`;
  });
  return `[${entries.join(', ')}]`;
}
