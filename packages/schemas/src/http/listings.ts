import { z } from 'zod';

const statusSchema = z.enum(['available', 'unavailable']);

/** One entry of `GET /models`, OpenAI's shape plus `status`. */
export const modelCardSchema = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    created: z.number().int(),
    owned_by: z.string(),
    status: statusSchema,
    max_model_len: z.number().int(),
    multimodal: z.boolean(),
    tools: z.boolean().meta({ description: 'Whether requests may offer it tools.' }),
    checkpoint: z.string().meta({ description: 'The package that offers it, with its `version`.' }),
    version: z.number().int(),
  })
  .meta({ id: 'ModelCard' });
export const modelListSchema = z
  .object({ object: z.literal('list'), data: z.array(modelCardSchema) })
  .meta({ id: 'ModelList' });
export type ModelListWire = z.infer<typeof modelListSchema>;
export type ModelCardWire = z.infer<typeof modelCardSchema>;

const embeddingTypeSchema = z.enum(['none', 'raw', 'semantic', 'instructable']);
export type EmbeddingTypeWire = z.infer<typeof embeddingTypeSchema>;

/** What a package offers, as its worker file names it. */
const taskSchema = z.object({ supported: z.boolean() });

/** One entry of `GET /model-settings`. */
export const modelSettingsSchema = z
  .object({
    name: z.string(),
    status: statusSchema,
    worker_type: z
      .enum(['luminous', 'vllm', 'transcription'])
      .meta({ description: 'What it is to clients: whatever speaks the protocol of vLLM is `vllm`.' }),
    description: z.string(),
    multimodal: z.boolean(),
    max_context_size: z.number().int(),
    semantic_embedding: z
      .boolean()
      .meta({ description: 'Older than `embedding_type`, and follows from it.' }),
    completion_type: z.enum(['none', 'full']).meta({ description: '`full`: takes raw prompts.' }),
    embedding_type: embeddingTypeSchema,
    advanced_sampling: z.boolean().meta({ description: 'All sampling fields of `/complete`.' }),
    embedding_task: taskSchema.meta({ description: 'Serves `/embeddings`.' }),
    rerank_task: taskSchema.meta({ description: 'Serves `/rerank`.' }),
    aligned: z.boolean(),
    chat: z.boolean(),
    prompt_template: z.string(),
    maximum_completion_tokens: z.number().int().nullable(),
    model_card: z.string().nullable(),
  })
  .meta({ id: 'ModelSettings' });
export type ModelSettingsWire = z.infer<typeof modelSettingsSchema>;

/** One entry of `GET /models_available`, the only listing that `aleph-alpha-client` calls. */
export const modelAvailableSchema = z
  .object({
    name: z.string(),
    description: z.string(),
    max_context_size: z.number().int(),
    hostings: z.array(z.string()),
    image_support: z.boolean(),
    qa_support: z.boolean(),
    summarization_support: z.boolean(),
    embedding_types: z.array(z.string()),
    maximum_completion_tokens: z.number().int().nullable(),
    aligned: z.boolean(),
  })
  .meta({ id: 'ModelAvailable' });
export type ModelAvailableWire = z.infer<typeof modelAvailableSchema>;

/** `GET /limits`: every bound a client can run into, so that nobody has to guess. Errors use the same names. */
export const limitsSchema = z
  .object({
    max_body_bytes: z.number().int(),
    max_text_bytes: z.number().int().meta({ description: 'Of a body without its media.' }),
    max_json_depth: z.number().int(),
    max_json_containers: z.number().int().meta({ description: 'Lists and objects together.' }),
    max_json_scalars: z.number().int(),
    max_json_keys: z.number().int().meta({ description: 'Of one object.' }),
    max_json_number: z.number().int().meta({ description: 'Either side of zero.' }),
    max_data_url_head_chars: z.number().int().meta({ description: 'Up to the comma.' }),
    max_image_side_px: z.number().int(),
    image_formats: z.array(z.string()),
    max_content_codings: z.number().int(),
    max_decompression_ratio: z.number().int(),
    max_large_brotli_windows: z.number().int().meta({ description: 'Of over 4 MiB, unpacked at once.' }),
    max_header_bytes: z.number().int(),
    headers_timeout_s: z.number(),
    upload_idle_s: z.number().meta({ description: 'Longest silence in the middle of an upload.' }),
    upload_min_bytes_per_s: z.number().int(),
    max_unwanted_bytes: z
      .number()
      .int()
      .meta({ description: 'Of a body that go on coming after an answer.' }),
    max_unwanted_s: z.number().meta({ description: 'How long they may.' }),
    max_bytes_in_flight: z.number().int(),
    max_bytes_in_flight_per_tenant: z.number().int(),
    max_form_parts: z.number().int(),
    max_part_header_bytes: z.number().int(),
    max_file_name_length: z.number().int(),
    max_field_bytes: z.number().int().meta({ description: 'Of a form field that is no file.' }),
    max_schema_bytes: z.number().int().meta({ description: 'Of a JSON schema for tools or answers.' }),
    max_schema_depth: z.number().int(),
    max_schema_nodes: z.number().int().meta({ description: 'Lists, objects and values together.' }),
    max_schema_pattern_chars: z.number().int(),
    max_schema_repetitions: z
      .number()
      .int()
      .meta({ description: 'In a regular expression, multiplied; also of `maxItems` and the like.' }),
    blob_store_bytes: z
      .number()
      .int()
      .nullable()
      .meta({ description: 'Of all stored media; null where it follows from the room there is.' }),
    blob_linger_s: z.number().meta({ description: 'How long media stay after their last use.' }),
    max_messages: z.number().int(),
    max_choices: z.number().int(),
    request_timeout_s: z.number(),
    max_waiting_jobs_per_lane: z.number().int(),
    max_files_per_tenant: z.number().int(),
    max_file_bytes_per_tenant: z.number().int(),
    max_api_keys_per_tenant: z.number().int().meta({ description: 'Created ones.' }),
    max_api_key_description_chars: z.number().int(),
    max_candidates: z.number().int().meta({ description: 'Texts that one request generates.' }),
    max_embedding_inputs: z.number().int().meta({ description: 'Of one request to `/embeddings`.' }),
    max_batch_prompts: z.number().int().meta({ description: 'Of one request to `/batch_semantic_embed`.' }),
    max_rerank_documents: z.number().int(),
    max_permissions: z.number().int().meta({ description: 'Asked about at once.' }),
    file_lifetime_s: z.number().meta({ description: 'Of a stored file whose upload does not say.' }),
    models: z.array(
      z.object({
        name: z.string(),
        multimodal: z.boolean(),
        max_context_tokens: z.number().int(),
        maximum_completion_tokens: z.number().int().nullable(),
      }),
    ),
  })
  .meta({ id: 'Limits' });
export type LimitsWire = z.infer<typeof limitsSchema>;
