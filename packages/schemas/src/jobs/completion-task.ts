import { z } from 'zod';
import { imagePartSchema, textPartSchema } from './chat-task.js';
import { samplingSchema } from './sampling.js';

/** A square cut out of an image, in pixels of the upright original. */
export const imageCropSchema = z.object({
  x: z.number().int().nonnegative(),
  y: z.number().int().nonnegative(),
  size: z.number().int().positive(),
});
export type ImageCrop = z.infer<typeof imageCropSchema>;

/** One item of a raw prompt; the model reads them one after the other, without a template. */
export const promptItemSchema = z.discriminatedUnion('type', [
  textPartSchema,
  imagePartSchema.extend({ crop: imageCropSchema.optional() }),
  z.object({ type: z.literal('token-ids'), tokenIds: z.array(z.number().int().nonnegative()) }),
]);
export type PromptItem = z.infer<typeof promptItemSchema>;

/** What the blob of a long prompt holds, as JSON. */
export const promptItemsSchema = z.array(promptItemSchema);

export const completionSamplingSchema = samplingSchema.extend({
  /** 0 only beside `echo`: the prompt is read and nothing generated. */
  maxTokens: z.number().int().nonnegative().optional(),
  /** No end of text before so many tokens. */
  minTokens: z.number().int().nonnegative().optional(),
});
export type CompletionSampling = z.infer<typeof completionSamplingSchema>;

/** Text that goes on from a raw prompt. */
export const completionTaskSchema = z.object({
  kind: z.literal('completion'),
  /** The items, in order; or the index of the blob that holds them. Empty: the beginning of a text. */
  prompt: z.union([promptItemsSchema, z.object({ blob: z.number().int().nonnegative() })]),
  sampling: completionSamplingSchema,
  /** The answer begins with the prompt; with `logprobs`, with those of its tokens, too. */
  echo: z.boolean().optional(),
  /** Engine extensions the package lists, under their wire names. */
  extensions: z.record(z.string(), z.unknown()).optional(),
});
export type CompletionTask = z.infer<typeof completionTaskSchema>;
