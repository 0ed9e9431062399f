import { z } from 'zod';
import { components } from './components.js';
import { routes } from './routes/all-routes.js';
import type { Json, RouteSpec } from './routes/route-spec.js';

/** Zod puts nested named schemas under `$defs`; OpenAPI wants one flat list of components. */
function componentSchemas(): Json {
  const flat: Json = {};
  for (const [name, schema] of Object.entries(components)) {
    const {
      $schema: _dialect,
      $defs,
      ...rest
    } = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' });
    flat[name] = rest;
    // A schema with an id comes as a reference to its own definition, which must win.
    Object.assign(flat, $defs ?? {});
  }
  return JSON.parse(JSON.stringify(flat).replaceAll('#/$defs/', '#/components/schemas/'));
}

function errorResponses(route: RouteSpec): Json {
  const schema = { $ref: `#/components/schemas/${route.errorBody}` };
  const byStatus = new Map<number, string[]>();
  for (const { status, code } of route.errors) byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      {
        description: codes.map((code) => `\`${code}\``).join(', '),
        content: { 'application/json': { schema } },
      },
    ]),
  );
}

function success(answer: RouteSpec['answer']): Json {
  if (answer === undefined) return {};
  const { status = 200, description, content } = answer;
  return { [String(status)]: content === undefined ? { description } : { description, content } };
}

function operation(route: RouteSpec): Json {
  return {
    operationId: route.operationId,
    summary: route.summary,
    tags: [route.tag],
    ...(route.public === true ? { security: [] } : {}),
    ...(route.parameters === undefined ? {} : { parameters: route.parameters }),
    ...(route.request === undefined ? {} : { requestBody: route.request }),
    responses: {
      ...success(route.answer),
      ...errorResponses(route),
    },
  };
}

/** The OpenAPI 3.1 document, derived from the schemas that parse the requests. */
export function openApiDocument(): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Fovea',
      version: '0.1.0',
      description:
        'Self-hosted multimodal inference: text and images in, streamed text out. Every route exists at `/x` and at `/v1/x`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/v1' }, { url: '/' }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: componentSchemas(),
    },
  };
}
