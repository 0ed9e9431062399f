import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { components as schemas } from './components.js';
import { openApiDocument } from './document.js';
import { routes } from './routes/all-routes.js';
import type { RouteSpec } from './routes/route-spec.js';

const document = openApiDocument();

function* references(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const item of value) yield* references(item);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      if (key === '$ref' && typeof item === 'string') yield item;
      else yield* references(item);
    }
  }
}

interface Schema {
  readonly $ref?: string;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}
interface Media {
  readonly schema: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}
type Content = Readonly<Record<string, Media>>;
interface Operation {
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly headers: object; readonly content?: Content }>>;
}
type Components = { readonly schemas: Readonly<Record<string, Schema>> };

const operationOf = ({ method, path }: RouteSpec): Operation =>
  (document.paths as Record<string, Record<string, Operation>>)[path]?.[method.toLowerCase()] as Operation;

/** What the schemas that parse requests and write answers say against a value. */
function problemsOf(schema: Schema, value: unknown): string[] {
  const zod = toZod(schema);
  const { error } = zod.safeParse(value);
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
}

function toZod({ $ref, anyOf, items }: Schema): z.ZodType {
  if ($ref !== undefined) return schemas[$ref.split('/').at(-1) as keyof typeof schemas];
  if (items !== undefined) return z.array(toZod(items));
  return anyOf === undefined ? z.looseObject({}) : z.union(anyOf.map(toZod));
}

describe('the OpenAPI document', () => {
  it('points only at components that exist and hold a schema', () => {
    const components = document.components as Record<string, Record<string, unknown>>;
    const found = [...references(document)];
    expect(found.length).toBeGreaterThan(20);
    for (const reference of found) {
      const [, , kind = '', name = ''] = reference.split('/');
      expect(components[kind]?.[name]).toBeDefined();
      expect(components[kind]?.[name]).not.toHaveProperty('$ref', reference);
    }
  });

  it('describes the chat request by the schema that parses it', () => {
    const components = document.components as {
      schemas: { ChatRequest: { required: string[]; properties: Record<string, unknown> } };
    };
    expect(components.schemas.ChatRequest.required).toEqual(['model', 'messages']);
    expect(Object.keys(components.schemas.ChatRequest.properties)).toContain('maximum_tokens');
  });

  it.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    'shows requests, answers and errors of %s as their schemas have them',
    (_name, route) => {
      const { responses, requestBody } = operationOf(route);
      for (const [status, { content = {}, headers }] of Object.entries(responses)) {
        expect(headers).toHaveProperty('x-request-id');
        const json = content['application/json'];
        if (json === undefined) continue;
        const shown = json.examples === undefined ? [{ value: json.example }] : Object.values(json.examples);
        for (const { value } of shown) expect([status, problemsOf(json.schema, value)]).toEqual([status, []]);
      }
      for (const { status, code } of route.errors) {
        const error = responses[status]?.content?.['application/json']?.examples?.[code];
        expect(error?.value).toMatchObject({ code });
      }
      for (const [type, { schema, example }] of Object.entries(requestBody?.content ?? {})) {
        expect(example).toBeDefined();
        if (type === 'application/json') expect(problemsOf(schema, example)).toEqual([]);
      }
    },
  );

  it('tells of each field of a request what it means, unless nobody serves the route', () => {
    const served = routes.filter(({ answer }) => answer !== undefined);
    const silent = served.flatMap((route) =>
      Object.values(operationOf(route).requestBody?.content ?? {}).flatMap(({ schema }) => {
        const name = schema.$ref?.split('/').at(-1) ?? '';
        const { properties = {} } = (document.components as Components).schemas[name] ?? {};
        return Object.entries(properties)
          .filter(([, { description }]) => description === undefined)
          .map(([field]) => `${name}.${field}`);
      }),
    );
    expect(silent).toEqual([]);
  });
});
