import { z } from 'zod';
import { imagePartSchema, responseFormatSchema, textPartSchema } from './chat-task.js';
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

/** A prompt: its items in order. Empty: the beginning of a text. */
export const promptItemsSchema = z.array(promptItemSchema);

/** The part of a completion task that can be long. */
const completionContent = {
  responseFormat: responseFormatSchema.optional(),
  /** Engine extensions the package lists, under their wire names. */
  extensions: z.record(z.string(), z.unknown()).optional(),
};
const promptsSchema = z.array(promptItemsSchema).min(1);

/** What the blob of a long completion task holds, as JSON. */
export const completionContentSchema = z.object({ prompts: promptsSchema, ...completionContent });
export type CompletionContent = z.infer<typeof completionContentSchema>;

export const completionSamplingSchema = samplingSchema.extend({
  /** 0 only beside `echo`: the prompt is read and nothing generated. */
  maxTokens: z.number().int().nonnegative().optional(),
  /** No end of text before so many tokens. */
  minTokens: z.number().int().nonnegative().optional(),
});
export type CompletionSampling = z.infer<typeof completionSamplingSchema>;

/** Text that goes on from raw prompts. */
export const completionTaskSchema = z.object({
  kind: z.literal('completion'),
  /**
   * The prompts; or the index of the blob with them and all else of the content, which is absent here then. Each has `n` choices: choice `i` belongs to prompt
   * `floor(i / n)`. Of several, each is one text or one list of token ids.
   */
  prompts: z.union([promptsSchema, z.object({ blob: z.number().int().nonnegative() })]),
  /** Without `maxTokens`: as many as the context leaves; only with one prompt. */
  sampling: completionSamplingSchema,
  /** The answer begins with the prompt; with `logprobs`, with those of its tokens, too. */
  echo: z.boolean().optional(),
  ...completionContent,
});
export type CompletionTask = z.infer<typeof completionTaskSchema>;
