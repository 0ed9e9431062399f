/** The part of JSON Schema that the document's requests are written in. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly minItems?: number;
}
export type Schemas = Readonly<Record<string, Schema>>;

/** A value with an optional property, once null and once left out. */
export interface NullCase {
  readonly path: string;
  readonly present: unknown;
  readonly absent: unknown;
}

const resolve = (schema: Schema, schemas: Schemas): Schema =>
  schema.$ref === undefined ? schema : (schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {});

/** The smallest value that a schema takes. */
function smallest(given: Schema, schemas: Schemas): unknown {
  const schema = resolve(given, schemas);
  const [first] = schema.anyOf ?? schema.oneOf ?? [];
  if (first !== undefined) return smallest(first, schemas);
  if (schema.const !== undefined) return schema.const;
  const [shown] = schema.enum ?? schema.examples ?? [];
  if (shown !== undefined) return shown;
  if (schema.type === 'array') {
    return Array.from({ length: schema.minItems ?? 0 }, () => smallest(schema.items ?? {}, schemas));
  }
  if (schema.type === 'object') return smallestObject(schema, schemas);
  return { string: 'a', integer: schema.minimum ?? 1, number: schema.minimum ?? 1, boolean: false }[
    String(schema.type)
  ];
}

function smallestObject({ properties = {}, required = [] }: Schema, schemas: Schemas): object {
  return Object.fromEntries(required.map((name) => [name, smallest(properties[name] ?? {}, schemas)]));
}

const lead = (
  step: string,
  { path, present, absent }: NullCase,
  wrap: (value: unknown) => unknown,
): NullCase => ({
  path: `${step}${path === '' || path.startsWith('[') ? path : `.${path}`}`,
  present: wrap(present),
  absent: wrap(absent),
});

/** Every optional property at any depth. `base` is a value of the schema in which the others are as they are. */
export function* nullCases(given: Schema, schemas: Schemas, base?: object): Generator<NullCase> {
  const schema = resolve(given, schemas);
  for (const branch of schema.anyOf ?? schema.oneOf ?? []) yield* nullCases(branch, schemas);
  if (schema.type === 'array') {
    for (const inner of nullCases(schema.items ?? {}, schemas)) yield lead('[0]', inner, (value) => [value]);
  }
  const whole = base ?? smallestObject(schema, schemas);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (schema.required?.includes(name) !== true) {
      yield { path: name, present: { ...whole, [name]: null }, absent: { ...whole, [name]: undefined } };
    }
    for (const inner of nullCases(property, schemas)) {
      yield lead(name, inner, (value) => ({ ...whole, [name]: value }));
    }
  }
}
