import { z } from 'zod';

/** A name as OpenAI and PhariaInference allow it for functions and schemas. */
const wireName = z
  .string()
  .regex(/^[a-zA-Z0-9_-]{1,64}$/, 'expected 1 to 64 letters, digits, _ or -')
  .meta({ examples: ['get_weather'] });
const jsonSchema = z.record(z.string(), z.unknown());

export const toolCallWireSchema = z
  .object({
    id: z.string().min(1).max(256),
    type: z.literal('function'),
    function: z.object({
      name: wireName,
      arguments: z.string().meta({ description: 'JSON text, as the model wrote it.' }),
    }),
  })
  .meta({ id: 'ToolCall' });

export const toolWireSchema = z
  .object({
    type: z.literal('function'),
    function: z.object({
      name: wireName,
      description: z.string().nullish().meta({ description: 'What it does, for the model.' }),
      parameters: jsonSchema
        .nullish()
        .meta({ description: 'A JSON schema; none: the function takes nothing.' }),
      strict: z.boolean().nullish().meta({ default: false, description: 'Handed to the engine.' }),
    }),
  })
  .meta({ id: 'Tool' });

export const toolChoiceWireSchema = z
  .union([
    z.enum(['none', 'auto', 'required']),
    z.object({ type: z.literal('function'), function: z.object({ name: wireName }) }),
  ])
  .meta({ id: 'ToolChoice' });

export const responseFormatWireSchema = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('text') }),
    z.object({ type: z.literal('json_object') }),
    z.object({
      type: z.literal('json_schema'),
      json_schema: z.object({
        name: wireName,
        schema: jsonSchema,
        description: z.string().nullish().meta({ description: 'What it is for.' }),
        strict: z.boolean().nullish().meta({ default: false, description: 'Handed to the engine.' }),
      }),
    }),
  ])
  .meta({ id: 'ResponseFormat' });

export type ToolCallWire = z.infer<typeof toolCallWireSchema>;
export type ToolWire = z.infer<typeof toolWireSchema>;
export type ToolChoiceWire = z.infer<typeof toolChoiceWireSchema>;
export type ResponseFormatWire = z.infer<typeof responseFormatWireSchema>;
