import { generatorTypeSchema, reasoningSchema, structuredOutputSchema } from '@fovea/schemas/model-package';
import { z } from 'zod';
import { imageProcessorTableSchema } from './image-processor-table.js';

/**
 * The keys of a worker's TOML file, edition 1, as they are spelled there. Keys that only concern how an engine is
 * started are known and typed, so that a file written for a worker that embeds its engine works unchanged.
 */
const texts = (max?: number) => {
  const expected = max === undefined ? 'a string that is not empty' : `a string of 1 to ${max} characters`;
  const schema = z.string({ error: expected }).min(1, expected);
  return max === undefined ? schema : schema.max(max, expected);
};
const whole = (min: number, max = Number.MAX_SAFE_INTEGER) => {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  const expected = `a whole number ${range}`;
  return z.int({ error: expected }).min(min, expected).max(max, expected);
};
const bareText = texts();
const count = whole(1);
const port = whole(1, 65_535);
const flagTable = z.object({ supported: z.boolean().default(false) });
/** What is not said follows from the generator's type. */
const openFlagTable = z.object({ supported: z.boolean().optional() });

const engineUrl = z
  .string()
  .refine((url) => URL.canParse(url) && /^https?:\/\//i.test(url), 'an http:// or https:// address')
  .transform((url) => url.replace(/\/+$/, ''));

export const generatorSchema = z.object({
  type: generatorTypeSchema,
  url: z
    .union([engineUrl, z.array(engineUrl).min(1)], { error: 'an http(s):// address or a list of them' })
    .optional(),
  model_path: bareText.optional(),
  media_path: bareText.optional(),
  api_key_file: bareText.optional(),
  max_model_len: count.optional(),
  max_num_seqs: count.optional(),
  tensor_parallel_size: count.optional(),
  pipeline_parallel_size: count.optional(),
  task: z.string().optional(),
  structured_output: z.object({ supported_types: z.array(structuredOutputSchema).default([]) }).prefault({}),
  /** Ours: what the engine understands beyond the protocol; vLLM does both. */
  cache_salt: z.boolean().optional(),
  image_uuid: z.boolean().optional(),
  /** Ours: tokens that the jobs on one engine may keep in its cache. */
  token_budget: count.optional(),
  /** Ours: how the model sizes pictures, where its files do not say it or the engine was told otherwise. */
  image_processor: imageProcessorTableSchema.optional(),
});

export const modelTableSchema = z.object({
  description: z.string().default(''),
  maximum_completion_tokens: count.optional(),
  multimodal_enabled: z.boolean().default(false),
  aligned: z.boolean().default(false),
  prompt_template: z.string().default(''),
  model_card: z.url({ error: 'an address' }).optional(),
  chat_task: flagTable.prefault({}),
  embedding_task: flagTable
    .extend({
      /** Ours: what the model was trained to find in front of a text. */
      symmetric_prefix: z.string().default(''),
      document_prefix: z.string().default(''),
      query_prefix: z.string().default(''),
    })
    .prefault({}),
  rerank_task: flagTable.prefault({}),
  /** Ours: raw prompts. */
  completion_task: openFlagTable.prefault({}),
  /** Ours: speech to text. */
  transcription_task: openFlagTable.prefault({}),
});

export const queueSchema = z.object({
  url: z.string().optional(),
  token: z.unknown().optional(),
  checkpoint_name: texts(256),
  version: whole(0),
  tags: z.array(z.string()).default([]),
  wait_for_worker_s: z.number('seconds, not negative').nonnegative('seconds, not negative').default(0),
  /** Ours: engine request fields a client may use, in place of the default for the generator type. */
  extensions: z.array(bareText).optional(),
  /** Ours: the engine was started with a tool parser. */
  tools: z.boolean().default(false),
  /** Ours: the engine tells the tokens of a text. */
  tokenizer: z.boolean().optional(),
  /** Ours: where thinking goes; `inline` keeps it in `content` within `<think>`. */
  reasoning: reasoningSchema.default('separate'),
  http_request_retries: whole(0).optional(),
  service_name: z.string().optional(),
  service_role: z.string().optional(),
  models: z
    .record(texts(256), modelTableSchema)
    .refine((models) => Object.keys(models).length > 0, 'at least one table [queue.models."name"]'),
});

export const workerFileSchema = z.object({
  edition: z.literal(1),
  generator: generatorSchema,
  queue: queueSchema,
  monitoring: z
    .object({ metrics_port: port.default(4_000), tcp_probes: z.array(z.unknown()).default([]) })
    .prefault({}),
});
