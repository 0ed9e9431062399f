import { z } from 'zod';

/** Texts, or the index of the blob that holds them as a JSON array. */
export const textsSchema = z.union([
  z.array(z.string()).min(1),
  z.object({ blob: z.number().int().nonnegative() }),
]);

export const embedTaskSchema = z.object({
  kind: z.literal('embed'),
  inputs: textsSchema,
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
