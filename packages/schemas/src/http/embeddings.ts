import { z } from 'zod';
import { usageWireSchema } from './chat-response.js';
import { promptWireSchema } from './prompt.js';

/** OpenAI's bound on the inputs of one request. */
export const MAX_EMBEDDING_INPUTS = 2048;
/** Prompts of one `POST /batch_semantic_embed`; clients cut longer lists themselves. */
export const MAX_BATCH_PROMPTS = 100;

const modelName = z.string().min(1).max(256).meta({ description: 'A name of `GET /models`.' });
const tokenIds = z.array(z.number().int().min(0)).min(1).max(1_000_000);

/** `POST /embeddings`, OpenAI's form. */
export const embeddingsRequestSchema = z
  .object({
    model: modelName,
    input: z
      .union([
        z.string(),
        z.array(z.string()).min(1).max(MAX_EMBEDDING_INPUTS),
        tokenIds,
        z.array(tokenIds).min(1).max(MAX_EMBEDDING_INPUTS),
      ])
      .meta({ description: 'A text, texts, a prompt as token ids, or several of those.' }),
    encoding_format: z.enum(['float', 'base64']).optional().meta({
      default: 'float',
      description: 'Numbers, or little-endian float32 values, base64.',
    }),
    dimensions: z.number().int().min(1).max(1_000_000).optional().meta({
      description: 'Length of each vector, for models whose vectors can be cut.',
    }),
    user: z.never().optional().meta({ description: 'Refused.' }),
    hosting: z
      .string()
      .nullish()
      .meta({ description: 'Accepted, without effect.' })
      .meta({ description: 'Accepted, without effect.' }),
    tags: z
      .array(z.string())
      .nullish()
      .meta({ description: 'Accepted, without effect.' })
      .meta({ description: 'Accepted, without effect.' }),
  })
  .meta({ id: 'EmbeddingsRequest' });
export type EmbeddingsRequestWire = z.infer<typeof embeddingsRequestSchema>;

export const embeddingsAnswerSchema = z
  .object({
    object: z.literal('list'),
    data: z.array(
      z.object({
        object: z.literal('embedding'),
        index: z.number().int(),
        embedding: z.union([z.array(z.number()), z.string()]),
      }),
    ),
    model: z.string(),
    usage: usageWireSchema.pick({ prompt_tokens: true, total_tokens: true }),
  })
  .meta({ id: 'EmbeddingsAnswer' });

/** What `POST /semantic_embed` and `POST /batch_semantic_embed` share. */
const semantic = {
  model: modelName.optional().meta({ description: 'May be left out where one model offers embeddings.' }),
  representation: z
    .enum(['symmetric', 'document', 'query'])
    .meta({ description: 'What the vector is for: clustering, to be found, to find.' }),
  compress_to_size: z.literal(128).optional().meta({ description: 'Cuts the vectors, where the model can.' }),
  normalize: z.boolean().optional().meta({ default: false, description: 'Vectors of the length 1.' }),
  contextual_control_threshold: z.number().optional().meta({ description: 'Accepted, without effect.' }),
  control_log_additive: z.boolean().optional().meta({ description: 'Accepted, without effect.' }),
  hosting: z.string().nullish().meta({ description: 'Accepted, without effect.' }),
  tags: z.array(z.string()).nullish().meta({ description: 'Accepted, without effect.' }),
};

export const semanticEmbedRequestSchema = z
  .object({
    prompt: promptWireSchema.meta({ description: 'Text; pictures are refused with `MISSING_CAPABILITY`.' }),
    ...semantic,
  })
  .meta({ id: 'SemanticEmbedRequest' });
export type SemanticEmbedRequestWire = z.infer<typeof semanticEmbedRequestSchema>;

export const batchSemanticEmbedRequestSchema = z
  .object({
    prompts: z
      .array(promptWireSchema)
      .min(1)
      .max(MAX_BATCH_PROMPTS)
      .meta({ description: 'The vectors come in this order.' }),
    ...semantic,
  })
  .meta({ id: 'BatchSemanticEmbedRequest' });
export type BatchSemanticEmbedRequestWire = z.infer<typeof batchSemanticEmbedRequestSchema>;

const vector = z.array(z.number());
const counted = { model_version: z.string(), num_tokens_prompt_total: z.number().int() };

export const semanticEmbedAnswerSchema = z
  .object({ ...counted, embedding: vector })
  .meta({ id: 'SemanticEmbedAnswer' });
export const batchSemanticEmbedAnswerSchema = z
  .object({ ...counted, embeddings: z.array(vector) })
  .meta({ id: 'BatchSemanticEmbedAnswer' });
