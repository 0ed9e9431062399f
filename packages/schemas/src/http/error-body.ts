import { errorCodes } from '@fovea/errors';
import { z } from 'zod';

const codeSchema = z.enum(errorCodes);
const limitSchema = z.object({ name: z.string(), value: z.number(), actual: z.number().optional() });

/** What OpenAI-shaped routes answer on an error; also the body of an error event in a stream. */
export const openAiErrorSchema = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      /** Path of the offending field. */
      param: z.string().nullable(),
      code: codeSchema,
      limit: limitSchema.optional(),
    }),
    code: codeSchema,
  })
  .meta({ id: 'OpenAiError' });
export type OpenAiErrorWire = z.infer<typeof openAiErrorSchema>;

/** What Pharia-native routes answer on an error. */
export const phariaErrorSchema = z
  .object({
    error: z.string(),
    code: codeSchema,
    param: z.string().optional(),
    limit: limitSchema.optional(),
  })
  .meta({ id: 'PhariaError' });
export type PhariaErrorWire = z.infer<typeof phariaErrorSchema>;
