import { z } from 'zod';

/** Texts, or the index of the blob that holds them as a JSON array. */
export const textsSchema = z.union([
  z.array(z.string()).min(1),
  z.object({ blob: z.number().int().nonnegative() }),
]);

/** Texts, or prompts as token ids; never both in one job. */
export const embedInputsSchema = z.union([
  z.array(z.string()).min(1),
  z.array(z.array(z.number().int().nonnegative()).min(1)).min(1),
]);
export type EmbedInputs = z.infer<typeof embedInputsSchema>;

export const embedTaskSchema = z.object({
  kind: z.literal('embed'),
  /** Or the index of the blob that holds them as JSON. */
  inputs: z.union([embedInputsSchema, z.object({ blob: z.number().int().nonnegative() })]),
  /** Length of each vector, for models that can be cut; the model's own when absent. */
  dimensions: z.number().int().positive().optional(),
});
export type EmbedTask = z.infer<typeof embedTaskSchema>;

export const rerankTaskSchema = z.object({
  kind: z.literal('rerank'),
  query: z.string(),
  documents: textsSchema,
});
export type RerankTask = z.infer<typeof rerankTaskSchema>;
