import { minimalMatch } from './minimal-match.js';

type Schema = Readonly<Record<string, unknown>>;

const maxDepth = 32;

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Follows a reference inside the same document. */
function resolve(reference: string, root: Schema): unknown {
  return reference
    .replace(/^#\/?/, '')
    .split('/')
    .filter((step) => step !== '')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((at, step) => (isSchema(at) ? at[step] : undefined), root);
}

function minimalString(schema: Schema): string {
  if (typeof schema.pattern === 'string') return minimalMatch(schema.pattern);
  const byFormat: Readonly<Record<string, string>> = {
    date: '2026-01-01',
    time: '00:00:00Z',
    'date-time': '2026-01-01T00:00:00Z',
    email: 'a@example.com',
    uri: 'https://example.com/',
    uuid: '00000000-0000-4000-8000-000000000000',
  };
  const text = byFormat[String(schema.format)] ?? '';
  return text.padEnd(Number(schema.minLength ?? 0), 'a');
}

function minimalNumber(schema: Schema): number {
  const isWhole = schema.type === 'integer';
  const step = Number(schema.multipleOf ?? (isWhole ? 1 : 0.5));
  const low = Math.max(
    Number(schema.minimum ?? Number.NEGATIVE_INFINITY),
    schema.exclusiveMinimum === undefined
      ? Number.NEGATIVE_INFINITY
      : Number(schema.exclusiveMinimum) + step / 2,
  );
  if (low > 0) return Math.ceil(low / step) * step;
  const high = Math.min(
    Number(schema.maximum ?? Number.POSITIVE_INFINITY),
    schema.exclusiveMaximum === undefined
      ? Number.POSITIVE_INFINITY
      : Number(schema.exclusiveMaximum) - step / 2,
  );
  return high < 0 ? Math.floor(high / step) * step : 0;
}

function minimalObject(schema: Schema, root: Schema, depth: number): Record<string, unknown> {
  const properties = isSchema(schema.properties) ? schema.properties : {};
  return Object.fromEntries(
    listOf(schema.required)
      .map(String)
      .map((name) => [name, minimal(properties[name] ?? {}, root, depth + 1)]),
  );
}

function minimalArray(schema: Schema, root: Schema, depth: number): unknown[] {
  const prefix = listOf(schema.prefixItems).map((item) => minimal(item, root, depth + 1));
  const missing = Math.max(0, Number(schema.minItems ?? 0) - prefix.length);
  return [...prefix, ...Array.from({ length: missing }, () => minimal(schema.items ?? {}, root, depth + 1))];
}

function typeOf(schema: Schema): unknown {
  if (schema.type !== undefined) return listOf(schema.type)[0] ?? schema.type;
  if (schema.properties !== undefined || schema.required !== undefined) return 'object';
  if (schema.items !== undefined || schema.prefixItems !== undefined) return 'array';
  return 'string';
}

/** `allOf` is one schema in pieces; the required names of all pieces count. */
function merge(schema: Schema): Schema {
  const { allOf, ...rest } = schema;
  const pieces = [rest, ...listOf(allOf).filter(isSchema)];
  return {
    ...Object.assign({}, ...pieces),
    properties: Object.assign({}, ...pieces.map((piece) => piece.properties)),
    required: pieces.flatMap((piece) => listOf(piece.required)),
  };
}

function minimal(value: unknown, root: Schema, depth: number): unknown {
  if (depth > maxDepth) throw new Error('The schema nests too deeply.');
  if (!isSchema(value)) return value === false ? null : '';
  if (typeof value.$ref === 'string') return minimal(resolve(value.$ref, root), root, depth + 1);
  const schema = value.allOf === undefined ? value : merge(value);
  if ('const' in schema) return schema.const;
  if ('enum' in schema) return listOf(schema.enum)[0] ?? null;
  const branch = listOf(schema.anyOf)[0] ?? listOf(schema.oneOf)[0];
  if (branch !== undefined) return minimal(branch, root, depth + 1);
  switch (typeOf(schema)) {
    case 'object':
      return minimalObject(schema, root, depth);
    case 'array':
      return minimalArray(schema, root, depth);
    case 'integer':
    case 'number':
      return minimalNumber(schema);
    case 'boolean':
      return false;
    case 'null':
      return null;
    case 'string':
      return minimalString(schema);
    default:
      throw new Error(`Unknown type in schema: ${JSON.stringify(schema.type)}`);
  }
}

/** The smallest value a JSON schema asks for; throws when the schema is none or nests without end. */
export function minimalJson(schema: unknown): unknown {
  if (typeof schema !== 'boolean' && !isSchema(schema)) throw new Error('The schema has to be an object.');
  return minimal(schema, isSchema(schema) ? schema : {}, 0);
}
