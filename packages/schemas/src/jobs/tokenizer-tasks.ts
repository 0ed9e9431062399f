import { z } from 'zod';

export const tokenizeTaskSchema = z.object({
  kind: z.literal('tokenize'),
  /** The text, or the index of the blob that holds it as UTF-8. No special tokens are added. */
  text: z.union([z.string(), z.object({ blob: z.number().int().nonnegative() })]),
});
export type TokenizeTask = z.infer<typeof tokenizeTaskSchema>;

export const detokenizeTaskSchema = z.object({
  kind: z.literal('detokenize'),
  /** The ids, or the index of the blob that holds them as a JSON array. */
  tokenIds: z.union([
    z.array(z.number().int().nonnegative()),
    z.object({ blob: z.number().int().nonnegative() }),
  ]),
});
export type DetokenizeTask = z.infer<typeof detokenizeTaskSchema>;

/** Asks for the `tokenizer.json` itself. */
export const tokenizerTaskSchema = z.object({ kind: z.literal('tokenizer') });
export type TokenizerTask = z.infer<typeof tokenizerTaskSchema>;
