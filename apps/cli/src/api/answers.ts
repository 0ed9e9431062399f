import { z } from 'zod';

/** What the gateway answers, read tolerantly: only what the command uses is required. */

const limitSchema = z.object({ name: z.string(), value: z.number(), actual: z.number().optional() });

/** OpenAI-shaped routes nest the error, Pharia-native ones give its text. */
export const errorBodySchema = z.object({
  error: z.union([
    z.string(),
    z.object({
      message: z.string(),
      code: z.string().nullish(),
      param: z.string().nullish(),
      limit: limitSchema.nullish(),
    }),
  ]),
  code: z.string().nullish(),
  param: z.string().nullish(),
  limit: limitSchema.nullish(),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;

export const chunkSchema = z.object({
  choices: z.array(
    z.object({
      delta: z.object({ content: z.string().nullish() }),
      finish_reason: z.string().nullish(),
    }),
  ),
});

export const completionSchema = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({ content: z.string().nullish() }),
        finish_reason: z.string().nullish(),
      }),
    )
    .min(1),
});

export const modelSettingsSchema = z.array(
  z.object({
    name: z.string(),
    status: z.string(),
    chat: z.boolean().default(false),
    multimodal: z.boolean().default(false),
    max_context_size: z.number().nullish(),
    worker_type: z.string().nullish(),
    completion_type: z.string().nullish(),
    embedding_task: z.object({ supported: z.boolean() }).nullish(),
    rerank_task: z.object({ supported: z.boolean() }).nullish(),
  }),
);
export type ModelSettings = z.infer<typeof modelSettingsSchema>[number];

/** Gateways of an older version name no package. */
export const modelCardsSchema = z.object({
  data: z.array(
    z.object({ id: z.string(), checkpoint: z.string().optional(), version: z.number().optional() }),
  ),
});
export type ModelCard = z.infer<typeof modelCardsSchema>['data'][number];

const keySchema = z.object({ token_id: z.string(), description: z.string().nullish() });
export const keysSchema = z.array(keySchema);
export const createdKeySchema = z.object({ metadata: keySchema, token: z.string() });

/** Undefined when the text is not JSON or not of that shape. */
export function parseAnswer<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
): z.infer<Schema> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
