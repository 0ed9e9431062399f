import { z } from 'zod';
import { type JsonSchema, jsonSchemaSchema, typeText } from '../markdown/json-schema.js';
import { type Page, page } from '../markdown/page.js';
import { code, table } from '../markdown/table.js';

const parameterSchema = z.looseObject({
  name: z.string(),
  in: z.string(),
  description: z.string().default(''),
  schema: jsonSchemaSchema,
});
const mediaSchema = z.record(
  z.string(),
  z.looseObject({ schema: jsonSchemaSchema, example: z.unknown().optional() }),
);
const operationSchema = z.looseObject({
  summary: z.string(),
  security: z.array(z.unknown()).optional(),
  parameters: z.array(parameterSchema).default([]),
  requestBody: z.looseObject({ content: mediaSchema }).optional(),
  responses: z.record(
    z.string(),
    z.looseObject({
      description: z.string(),
      headers: z.record(z.string(), z.unknown()).default({}),
      content: mediaSchema.optional(),
    }),
  ),
});
type Operation = z.infer<typeof operationSchema>;

/** The OpenAPI document as far as the page shows it. */
export const documentSchema = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.looseObject({ schemas: z.record(z.string(), jsonSchemaSchema) }),
});
export type OpenApi = z.infer<typeof documentSchema>;

const INTRODUCTION = `Every route exists at \`/x\` and at \`/v1/x\`. Routes with a key want
\`Authorization: Bearer <key>\`. The same as OpenAPI 3.1: \`GET /openapi.json\`, \`GET /openapi.yaml\`; to read in a
browser: \`GET /docs\`. Every answer to a well-formed HTTP request carries \`x-request-id\`. Optional fields may be \`null\`, which means absent.
The codes are explained in [errors.md](errors.md).`;

const isSuccess = (status: string): boolean => status.startsWith('2');

/** Of an event stream the schema is that of one event, whose data have a schema of their own. */
const textOf = (schema: JsonSchema): string => {
  const data = schema.properties?.data?.anyOf?.find(({ contentSchema }) => contentSchema !== undefined);
  return data?.contentSchema === undefined ? typeText(schema) : `events of ${typeText(data.contentSchema)}`;
};

const answers = (operation: Operation): string =>
  Object.entries(operation.responses)
    .filter(([status]) => isSuccess(status))
    .flatMap(([status, { content }]) => {
      const forms = Object.entries(content ?? {}).map(([type, { schema }]) =>
        type === 'application/json' ? typeText(schema) : `${code(type)} ${textOf(schema)}`,
      );
      if (forms.length === 0) return [`${status} without a body`];
      return status === '200' ? forms : forms.map((form) => `${status} ${form}`);
    })
    .join('; ');

const refusals = (operation: Operation): string =>
  Object.entries(operation.responses)
    .filter(([status]) => !isSuccess(status))
    .map(([status, { description }]) => `${status} ${description}`)
    .join('; ');

interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const shown = (value: unknown): string => `\`\`\`json\n${JSON.stringify(value, undefined, 2)}\n\`\`\``;

/** What a route takes: the fields, and a body that it takes. */
function requestBlocks({ requestBody }: Operation, schemas: OpenApi['components']['schemas']): string[] {
  return Object.entries(requestBody?.content ?? {}).flatMap(([type, { schema, example }]) => {
    const name = schema.$ref?.split('/').at(-1) ?? '';
    const { properties } = schemas[name] ?? {};
    return [
      `Request: ${code(type)}, ${typeText(schema)}.`,
      ...(properties === undefined ? [] : [fieldTable(schemas[name] ?? {})]),
      ...(example === undefined ? [] : [shown(example)]),
    ];
  });
}

/** What a route answers: its forms, its headers, and an answer in JSON. */
function answerBlocks(operation: Operation): string[] {
  if (answers(operation) === '') return [];
  const [, good] = Object.entries(operation.responses).find(([status]) => isSuccess(status)) ?? [];
  const headers = Object.keys(good?.headers ?? {}).map(code);
  const { example } = good?.content?.['application/json'] ?? {};
  return [
    `Answer: ${answers(operation)}. Headers: ${headers.join(', ')}.`,
    ...(example === undefined ? [] : [shown(example)]),
  ];
}

const errorTable = (operation: Operation): string =>
  table(
    ['Status', 'Codes'],
    Object.entries(operation.responses)
      .filter(([status]) => !isSuccess(status))
      .map(([status, { description }]) => [status, description]),
  );

function section({ method, path, operation }: Route, schemas: OpenApi['components']['schemas']): string {
  const blocks = [
    operation.summary,
    ...operation.parameters.map(
      ({ name, in: place, schema, description }) =>
        `${place === 'path' ? 'Path' : 'Query'} parameter ${code(name)} (${typeText(schema)})${description && `: ${description}`}`,
    ),
    ...requestBlocks(operation, schemas),
    ...answerBlocks(operation),
    ...(refusals(operation) === '' ? [] : [errorTable(operation)]),
  ];
  return `## ${method} ${path}\n\n${blocks.join('\n\n')}`;
}

/** The fields of a schema: type and range, default, meaning. */
function fieldTable({ properties = {}, required = [] }: JsonSchema): string {
  const rows = Object.entries(properties).flatMap(([field, of]) =>
    fieldRows(field, of, required.includes(field)),
  );
  return table(['Field', 'Type', 'Required', 'Default', 'Meaning'], rows);
}

const component = (name: string, schema: JsonSchema): string => `### ${name}\n\n${fieldTable(schema)}`;

/** A field and, for an object or an array of objects written in place, what is in it. */
function fieldRows(path: string, schema: JsonSchema, isRequired: boolean): string[][] {
  const inner = schema.items ?? schema;
  const byDefault = schema.default === undefined ? '' : code(JSON.stringify(schema.default));
  const own = [code(path), typeText(schema), isRequired ? 'yes' : '', byDefault, schema.description ?? ''];
  const required = new Set(inner.required ?? []);
  const prefix = schema.items === undefined ? path : `${path}[]`;
  const nested = Object.entries(inner.properties ?? {}).flatMap(([field, of]) =>
    fieldRows(`${prefix}.${field}`, of, required.has(field)),
  );
  return [own, ...nested];
}

const proof = (spec = ''): string => (spec === '' ? '' : `[${spec.split('/').at(-1)}](../../${spec})`);

/** `http-api.md`: routes, what they take, what they answer. */
export function httpApiPage({ paths, components }: OpenApi, tests: Readonly<Record<string, string>>): Page {
  const routes: Route[] = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const overview = table(
    ['Method', 'Path', 'Key', 'What', 'Proven by'],
    routes.map(({ method, path, operation }) => [
      method,
      code(path),
      operation.security?.length === 0 ? 'no' : 'yes',
      operation.summary,
      proof(tests[`${method} ${path}`]),
    ]),
  );
  const requests = new Set(
    routes.flatMap(({ operation }) =>
      Object.values(operation.requestBody?.content ?? {}).map(({ schema }) => schema.$ref?.split('/').at(-1)),
    ),
  );
  const shapes = Object.entries(components.schemas)
    .filter(([name, schema]) => schema.properties !== undefined && !requests.has(name))
    .map(([name, schema]) => component(name, schema));
  return page('http-api.md', 'HTTP API', [
    INTRODUCTION,
    overview,
    ...routes.map((route) => section(route, components.schemas)),
    '## Shapes',
    ...shapes,
  ]);
}
