import { z } from 'zod';

const modelName = z.string().min(1).max(256).meta({ description: 'A name of `GET /models`.' });
const ignored = { description: 'Accepted, without effect.' };
const tolerated = {
  hosting: z.string().nullish().meta(ignored),
  tags: z.array(z.string()).nullish().meta(ignored),
};

export const tokenizeRequestSchema = z
  .object({
    model: modelName,
    prompt: z.string().meta({ description: 'The text.' }),
    tokens: z.boolean().meta({ description: 'Return the pieces of the vocabulary.' }),
    token_ids: z.boolean().meta({ description: 'Return their ids.' }),
    ...tolerated,
  })
  .meta({ id: 'TokenizeRequest' });
export type TokenizeRequestWire = z.infer<typeof tokenizeRequestSchema>;

export const tokenizeAnswerSchema = z
  .object({ tokens: z.array(z.string()).optional(), token_ids: z.array(z.number().int()).optional() })
  .meta({ id: 'TokenizeAnswer' });
export type TokenizeAnswerWire = z.infer<typeof tokenizeAnswerSchema>;

export const detokenizeRequestSchema = z
  .object({
    model: modelName,
    token_ids: z
      .array(z.number().int().min(0))
      .max(1_000_000)
      .meta({ description: 'Ids of the vocabulary.' }),
    ...tolerated,
  })
  .meta({ id: 'DetokenizeRequest' });
export type DetokenizeRequestWire = z.infer<typeof detokenizeRequestSchema>;

export const detokenizeAnswerSchema = z.object({ result: z.string() }).meta({ id: 'DetokenizeAnswer' });
export type DetokenizeAnswerWire = z.infer<typeof detokenizeAnswerSchema>;
