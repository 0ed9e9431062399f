import { z } from 'zod';

/** The part of JSON Schema that the gateway's document uses. */
export interface JsonSchema {
  readonly type?: string | readonly string[] | undefined;
  readonly $ref?: string | undefined;
  readonly description?: string | undefined;
  readonly enum?: readonly unknown[] | undefined;
  readonly const?: unknown;
  readonly default?: unknown;
  /** Of a text that holds a document of its own, such as the data of an event. */
  readonly contentSchema?: JsonSchema | undefined;
  readonly anyOf?: readonly JsonSchema[] | undefined;
  readonly oneOf?: readonly JsonSchema[] | undefined;
  readonly items?: JsonSchema | undefined;
  readonly properties?: Readonly<Record<string, JsonSchema>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly exclusiveMinimum?: number | undefined;
  readonly minLength?: number | undefined;
  readonly maxLength?: number | undefined;
  readonly minItems?: number | undefined;
  readonly maxItems?: number | undefined;
}

export const jsonSchemaSchema: z.ZodType<JsonSchema> = z.lazy(() =>
  z.looseObject({
    type: z.union([z.string(), z.array(z.string())]).optional(),
    $ref: z.string().optional(),
    description: z.string().optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
    default: z.unknown().optional(),
    contentSchema: jsonSchemaSchema.optional(),
    anyOf: z.array(jsonSchemaSchema).optional(),
    oneOf: z.array(jsonSchemaSchema).optional(),
    items: jsonSchemaSchema.optional(),
    properties: z.record(z.string(), jsonSchemaSchema).optional(),
    required: z.array(z.string()).optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    exclusiveMinimum: z.number().optional(),
    minLength: z.number().optional(),
    maxLength: z.number().optional(),
    minItems: z.number().optional(),
    maxItems: z.number().optional(),
  }),
);

/** Bounds that only say "a safe integer" say nothing to a reader. */
const plain = (bound: number | undefined): number | undefined =>
  bound === undefined || Math.abs(bound) === Number.MAX_SAFE_INTEGER ? undefined : bound;

function range(least: number | undefined, most: number | undefined): string {
  const [low, high] = [plain(least), plain(most)];
  if (low === undefined && high === undefined) return '';
  if (high === undefined) return ` ≥ ${low}`;
  return low === undefined ? ` ≤ ${high}` : ` ${low} … ${high}`;
}

const size = (bounds: string, unit: string): string => (bounds === '' ? '' : ` (${bounds.trim()} ${unit})`);

const alternatives = (schemas: readonly JsonSchema[]): string => schemas.map(typeText).join(' or ');

const typeName = ({ type = 'anything' }: JsonSchema): string =>
  typeof type === 'string' ? type : type.join(' or ');

/** A schema in a few words: `integer ≥ 1`, `string or array (≤ 16 entries) of string`. */
export function typeText(schema: JsonSchema): string {
  if (schema.$ref !== undefined) return schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(', ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return alternatives(choices);
  return boundedTypeText(schema, typeName(schema));
}

function boundedTypeText(schema: JsonSchema, type: string): string {
  if (type === 'array') {
    const of = schema.items === undefined ? 'anything' : typeText(schema.items);
    return `array${size(range(schema.minItems, schema.maxItems), 'entries')} of ${of}`;
  }
  if (type === 'string') {
    return `string${size(range(schema.minLength, schema.maxLength), 'characters')}`;
  }
  const above = plain(schema.exclusiveMinimum);
  return above === undefined
    ? `${type}${range(schema.minimum, schema.maximum)}`
    : `${type} > ${above}${range(undefined, schema.maximum)}`;
}
