import { z } from 'zod';
import { imageProcessorSchema } from './image-processor.js';

export {
  type ImageFamily,
  type ImageProcessor,
  type ImageProcessorOf,
  imageProcessorSchema,
} from './image-processor.js';

/**
 * A model package is what a worker registers: one checkpoint, the models it offers, their limits and capabilities.
 * It is immutable per version. Host-local facts (engine urls, tokens, ports) are not part of it.
 */
export const generatorTypeSchema = z.enum(['vllm', 'onnx', 'luminous', 'transcription', 'embedding']);
export type GeneratorType = z.infer<typeof generatorTypeSchema>;

export const modelSchema = z.object({
  name: z.string().min(1).max(256),
  description: z.string(),
  multimodalEnabled: z.boolean(),
  chat: z.boolean(),
  /** Goes on from raw prompts: `/complete`, `/completions`, `/evaluate`. */
  completion: z.boolean().default(false),
  /** Speech to text. */
  transcription: z.boolean().default(false),
  /** Vectors for texts. */
  embedding: z.boolean().default(false),
  /** What stands in front of a text in `/semantic_embed`, by what the vector is for; null: nothing. */
  embeddingPrefixes: z
    .object({ symmetric: z.string(), document: z.string(), query: z.string() })
    .nullable()
    .default(null),
  /** Scores of documents for a query. */
  rerank: z.boolean().default(false),
  /** Upper bound on generated tokens; null: only the context limits. */
  maximumCompletionTokens: z.number().int().positive().nullable(),
  aligned: z.boolean(),
  promptTemplate: z.string(),
  modelCard: z.url().nullable(),
});
export type Model = z.infer<typeof modelSchema>;

/** How a model's thinking reaches the client: beside `content` as `reasoning_content`, or in it within `<think>`. */
export const reasoningSchema = z.enum(['separate', 'inline']);

/** Constraints on an answer that an engine can enforce. */
export const structuredOutputSchema = z.enum(['json_schema', 'json_object', 'regex', 'choice', 'grammar']);

/** What the engine of a package can do beyond plain chat. */
export const capabilitiesSchema = z.object({
  tools: z.boolean().default(false),
  structuredOutput: z.array(structuredOutputSchema).default([]),
  reasoning: reasoningSchema.default('separate'),
  /** Tells the tokens of a text, and shows its tokenizer. */
  tokenizer: z.boolean().default(false),
});
export type Capabilities = z.infer<typeof capabilitiesSchema>;

export const modelPackageSchema = z.object({
  checkpoint: z.string().min(1).max(256),
  version: z.number().int().nonnegative(),
  tags: z.array(z.string()),
  generatorType: generatorTypeSchema,
  models: z.array(modelSchema).min(1),
  /** Engine request fields a client may use, by wire name (DESIGN D6). */
  extensions: z.array(z.string()),
  capabilities: capabilitiesSchema.prefault({}),
  /** Keep accepting this long with no worker present (scale from zero). */
  waitForWorkerS: z.number().nonnegative(),
  /** Tokens of prompt and completion together, as the engine reports them. */
  maxModelLen: z.number().int().positive(),
  /** How the model's image processor sizes pictures; null: unknown, then nothing is estimated and nothing refused. */
  imageProcessor: imageProcessorSchema.nullable().default(null),
});
export type ModelPackage = z.infer<typeof modelPackageSchema>;
