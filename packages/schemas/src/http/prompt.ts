import { z } from 'zod';
import { EXAMPLE_PICTURE } from './example-picture.js';

/**
 * A prompt as the routes of the PhariaInference API take it: a string, or items that are read one after the other.
 * Attention `controls` may be there and empty; no engine of ours has them.
 */
const controls = z
  .array(z.unknown())
  .max(10_000)
  .nullish()
  .meta({ description: 'Only empty: no engine of ours has attention controls.' });

export const textItemWireSchema = z
  .object({ type: z.literal('text'), data: z.string(), controls })
  .meta({ id: 'PromptText' });

const pixels = z.number().int();
export const imageItemWireSchema = z
  .object({
    type: z.literal('image'),
    data: z.string().meta({ description: 'The file, base64.', examples: [EXAMPLE_PICTURE] }),
    x: pixels.min(0).nullish().meta({
      description: 'With `y` and `size`: left of a square in pixels of the original.',
    }),
    y: pixels.min(0).nullish().meta({ description: 'Top of the square.' }),
    size: pixels.min(1).nullish().meta({ description: 'Side of the square.' }),
    controls,
  })
  .meta({ id: 'PromptImage' });

export const tokenIdsItemWireSchema = z
  .object({ type: z.literal('token_ids'), data: z.array(z.number().int().min(0)).max(1_000_000), controls })
  .meta({ id: 'PromptTokenIds' });

export const promptItemWireSchema = z.discriminatedUnion('type', [
  textItemWireSchema,
  imageItemWireSchema,
  tokenIdsItemWireSchema,
]);
export type PromptItemWire = z.infer<typeof promptItemWireSchema>;

export const promptWireSchema = z
  .union([z.string(), z.array(promptItemWireSchema).max(10_000)])
  .meta({ id: 'Prompt' });
export type PromptWire = z.infer<typeof promptWireSchema>;
