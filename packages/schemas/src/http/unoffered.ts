import { z } from 'zod';
import { promptWireSchema } from './prompt.js';

/** Routes of the PhariaInference API that no engine of ours serves; their input is checked all the same. */
const model = z.string().min(1).max(256);
const ignored = { description: 'Accepted, without effect.' };
const tolerated = {
  hosting: z.string().nullish().meta(ignored),
  tags: z.array(z.string()).nullish().meta(ignored),
};
const controls = {
  contextual_control_threshold: z.number().nullish(),
  control_log_additive: z.boolean().nullish(),
};

export const embedRequestSchema = z
  .object({
    model,
    prompt: promptWireSchema,
    layers: z.array(z.number().int()).min(1),
    pooling: z.array(z.enum(['mean', 'weighted_mean', 'max', 'last_token', 'abs_max'])).min(1),
    type: z.string().nullish(),
    tokens: z.boolean().nullish(),
    normalize: z.boolean().nullish(),
    ...controls,
    ...tolerated,
  })
  .meta({ id: 'EmbedRequest' });

export const instructableEmbedRequestSchema = z
  .object({
    model: model.nullish(),
    input: promptWireSchema,
    instruction: z.string(),
    normalize: z.boolean().nullish(),
    ...controls,
    ...tolerated,
  })
  .meta({ id: 'InstructableEmbedRequest' });

export const explainRequestSchema = z
  .object({
    model,
    prompt: promptWireSchema,
    target: z.string(),
    control_factor: z.number().min(0).nullish(),
    control_token_overlap: z.enum(['partial', 'complete']).nullish(),
    postprocessing: z.enum(['none', 'absolute', 'square']).nullish(),
    normalize: z.boolean().nullish(),
    prompt_granularity: z
      .object({
        type: z.enum(['token', 'word', 'sentence', 'paragraph', 'custom']),
        delimiter: z.string().nullish(),
      })
      .nullish(),
    target_granularity: z.enum(['complete', 'token']).nullish(),
    ...controls,
    ...tolerated,
  })
  .meta({ id: 'ExplainRequest' });

export const translateRequestSchema = z
  .object({ model, source: z.string(), target_language: z.string().min(2).max(35), ...tolerated })
  .meta({ id: 'TranslateRequest' });

export const steeringConceptRequestSchema = z
  .object({
    examples: z.array(z.object({ negative: z.string(), positive: z.string() })).min(1),
    ...tolerated,
  })
  .meta({ id: 'SteeringConceptRequest' });
