import { z } from 'zod';

const modelName = z.string().min(1).max(256);
const tolerated = { hosting: z.string().nullish(), tags: z.array(z.string()).nullish() };

export const tokenizeRequestSchema = z
  .object({
    model: modelName,
    prompt: z.string(),
    tokens: z.boolean().meta({ description: 'The pieces of the vocabulary.' }),
    token_ids: z.boolean(),
    ...tolerated,
  })
  .meta({ id: 'TokenizeRequest' });
export type TokenizeRequestWire = z.infer<typeof tokenizeRequestSchema>;

export const tokenizeAnswerSchema = z
  .object({ tokens: z.array(z.string()).optional(), token_ids: z.array(z.number().int()).optional() })
  .meta({ id: 'TokenizeAnswer' });
export type TokenizeAnswerWire = z.infer<typeof tokenizeAnswerSchema>;

export const detokenizeRequestSchema = z
  .object({ model: modelName, token_ids: z.array(z.number().int().min(0)).max(1_000_000), ...tolerated })
  .meta({ id: 'DetokenizeRequest' });
export type DetokenizeRequestWire = z.infer<typeof detokenizeRequestSchema>;

export const detokenizeAnswerSchema = z.object({ result: z.string() }).meta({ id: 'DetokenizeAnswer' });
export type DetokenizeAnswerWire = z.infer<typeof detokenizeAnswerSchema>;
