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
const mediaSchema = z.record(z.string(), z.looseObject({ schema: jsonSchemaSchema }));
const operationSchema = z.looseObject({
  summary: z.string(),
  security: z.array(z.unknown()).optional(),
  parameters: z.array(parameterSchema).default([]),
  requestBody: z.looseObject({ content: mediaSchema }).optional(),
  responses: z.record(
    z.string(),
    z.looseObject({ description: z.string(), content: mediaSchema.optional() }),
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

const answers = (operation: Operation): string =>
  Object.entries(operation.responses)
    .filter(([status]) => isSuccess(status))
    .flatMap(([status, { content }]) => {
      const forms = Object.entries(content ?? {}).map(([type, { schema }]) =>
        type === 'application/json' ? typeText(schema) : `${code(type)} ${typeText(schema)}`,
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

function section({ method, path, operation }: Route): string {
  const facts = [
    operation.summary,
    ...operation.parameters.map(
      ({ name, in: place, schema, description }) =>
        `${place === 'path' ? 'Path' : 'Query'} parameter ${code(name)} (${typeText(schema)})${description && `: ${description}`}`,
    ),
    ...Object.entries(operation.requestBody?.content ?? {}).map(
      ([type, { schema }]) => `Request: ${code(type)}, ${typeText(schema)}.`,
    ),
    ...(answers(operation) === '' ? [] : [`Answer: ${answers(operation)}.`]),
    ...(refusals(operation) === '' ? [] : [`Errors: ${refusals(operation)}.`]),
  ];
  return `## ${method} ${path}\n\n${facts.join('\n\n')}`;
}

function component(name: string, schema: JsonSchema): string {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).flatMap(([field, of]) =>
    fieldRows(field, of, required.has(field)),
  );
  return `### ${name}\n\n${table(['Field', 'Type', 'Required', 'Meaning'], rows)}`;
}

/** A field and, for an object or an array of objects written in place, what is in it. */
function fieldRows(path: string, schema: JsonSchema, isRequired: boolean): string[][] {
  const inner = schema.items ?? schema;
  const own = [code(path), typeText(schema), isRequired ? 'yes' : '', schema.description ?? ''];
  const required = new Set(inner.required ?? []);
  const prefix = schema.items === undefined ? path : `${path}[]`;
  const nested = Object.entries(inner.properties ?? {}).flatMap(([field, of]) =>
    fieldRows(`${prefix}.${field}`, of, required.has(field)),
  );
  return [own, ...nested];
}

/** `http-api.md`: routes, what they take, what they answer. */
export function httpApiPage({ paths, components }: OpenApi): Page {
  const routes: Route[] = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const overview = table(
    ['Method', 'Path', 'Key', 'What'],
    routes.map(({ method, path, operation }) => [
      method,
      code(path),
      operation.security?.length === 0 ? 'no' : 'yes',
      operation.summary,
    ]),
  );
  const shapes = Object.entries(components.schemas)
    .filter(([, schema]) => schema.properties !== undefined)
    .map(([name, schema]) => component(name, schema));
  return page('http-api.md', 'HTTP API', [
    INTRODUCTION,
    overview,
    ...routes.map(section),
    '## Shapes',
    ...shapes,
  ]);
}
