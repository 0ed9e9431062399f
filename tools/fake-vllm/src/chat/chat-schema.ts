import { z } from 'zod';
import { samplingFields, wholeNumber } from '../generation/sampling-schema.js';

const flag = z.boolean().nullish();

const textPartSchema = z.object({ type: z.enum(['text', 'refusal', 'thinking']), text: z.string() });
const imageObject = z.looseObject({ url: z.string().nullish() });
const imagePartSchema = z.object({
  type: z.literal('image_url'),
  image_url: imageObject.nullish(),
  uuid: z.string().nullish(),
});
/** Without a `type` vLLM also takes the bare URL, under two names. */
const shorthandPartSchema = z.union([
  z.object({
    type: z.undefined().optional(),
    image_url: z.union([imageObject, z.string()]),
    uuid: z.string().nullish(),
  }),
  z.object({ type: z.undefined().optional(), image: z.string(), uuid: z.string().nullish() }),
  z.object({ type: z.undefined().optional(), text: z.string() }),
]);
/** Parts of other kinds pass here and are refused by name later, as vLLM does. */
const otherPartSchema = z.looseObject({
  type: z.string().refine((type) => type !== 'image_url' && type !== 'text', 'Input should be a valid part'),
});

const toolCallSchema = z.looseObject({
  id: z.string().optional(),
  function: z.object({ name: z.string(), arguments: z.string() }),
});

const messageSchema = z.object({
  role: z.string(),
  content: z
    .union([
      z.string(),
      z.array(z.union([textPartSchema, imagePartSchema, shorthandPartSchema, otherPartSchema])),
    ])
    .nullish(),
  name: z.string().nullish(),
  tool_calls: z.array(toolCallSchema).nullish(),
  tool_call_id: z.string().nullish(),
});
export type ChatMessage = z.infer<typeof messageSchema>;

const toolSchema = z.looseObject({
  type: z.literal('function'),
  function: z.looseObject({ name: z.string(), parameters: z.unknown().optional() }),
});
export type ChatTool = z.infer<typeof toolSchema>;

/** What shapes a chat prompt; `/tokenize` and the chat form of `/v1/embeddings` take the same. */
export const promptFields = {
  messages: z.array(messageSchema),
  tools: z.array(toolSchema).nullish(),
  add_generation_prompt: flag,
  continue_final_message: flag,
  chat_template: z.string().nullish(),
  chat_template_kwargs: z.record(z.string(), z.unknown()).nullish(),
  mm_processor_kwargs: z.record(z.string(), z.unknown()).nullish(),
} as const;

/** The fields that change what this engine does; like vLLM it lets unknown ones pass. */
export const chatRequestSchema = z.looseObject({
  ...samplingFields,
  ...promptFields,
  max_completion_tokens: wholeNumber.nullish(),
  logprobs: flag,
  top_logprobs: wholeNumber.nullish(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: z.string() }) }),
    ])
    .nullish(),
  parallel_tool_calls: flag,
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
  include_reasoning: flag,
  echo: flag,
});
export type ChatRequestBody = z.infer<typeof chatRequestSchema>;
