import { z } from 'zod';

const jsonSchema = z.record(z.string(), z.unknown());
const regularExpression = z.string().min(1).max(10_000);
const grammar = z.string().min(1).max(65_536);
const choices = z.array(z.string()).min(1).max(1_000);

/** What `structured_outputs` may hold: exactly one constraint. */
const structuredOutputsSchema = z
  .strictObject({
    json: jsonSchema.optional(),
    json_object: z.literal(true).optional(),
    regex: regularExpression.optional(),
    choice: choices.optional(),
    grammar: grammar.optional(),
  })
  .refine((constraints) => Object.keys(constraints).length === 1, 'expected exactly one constraint');

/** Engine extensions that can be checked here; a package must list one before it passes (DESIGN D6). */
export const extensionSchemas = {
  min_p: z.number().min(0).max(1),
  repetition_penalty: z.number().positive().max(10),
  stop_token_ids: z.array(z.number().int().nonnegative()).max(256),
  min_tokens: z.number().int().nonnegative(),
  ignore_eos: z.boolean(),
  skip_special_tokens: z.boolean(),
  structured_outputs: structuredOutputsSchema,
  guided_json: jsonSchema,
  guided_regex: regularExpression,
  guided_choice: choices,
  guided_grammar: grammar,
  guided_decoding_backend: z.string().regex(/^[a-z][a-z:_-]{0,63}$/),
  guided_whitespace_pattern: z.string().max(256),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']),
} as const satisfies Record<string, z.ZodType>;
