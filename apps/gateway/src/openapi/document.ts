import { z } from 'zod';
import { answerExamples } from './answer-examples.js';
import { headerComponents, successHeaders } from './answer-headers.js';
import { components } from './components.js';
import { errorAnswers } from './error-answers.js';
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

/** The content of a good answer, with the example of its JSON. */
function withExample(operationId: string, content: Json): Json {
  const json = content['application/json'] as Json | undefined;
  const example = answerExamples[operationId];
  if (example === undefined) return content;
  return { ...content, 'application/json': { ...json, example } };
}

function success(route: RouteSpec): Json {
  if (route.answer === undefined) return {};
  const { status = 200, description, content } = route.answer;
  const answer = { description, headers: successHeaders(route) };
  return {
    [String(status)]:
      content === undefined ? answer : { ...answer, content: withExample(route.operationId, content) },
  };
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
      ...success(route),
      ...errorAnswers(route),
    },
  };
}

const DESCRIPTION = `Self-hosted multimodal inference: text and images in, streamed text out. Every route exists at
\`/x\` and at \`/v1/x\`. Optional fields of a body may be \`null\`, which means absent; keys that nobody here knows are
dropped and named in \`x-ignored-params\`. What is refused before its route is known is answered with an \`OpenAiError\`:
400 \`INVALID_REQUEST\` (no HTTP, or a length that is stated twice), 404 \`NOT_FOUND\`, 405 \`METHOD_NOT_ALLOWED\` with
\`Allow\`, 408 \`REQUEST_TIMEOUT\` (slow headers), 431 \`HEADERS_TOO_LARGE\`.`;

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
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/v1' }, { url: '/' }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      headers: headerComponents,
      schemas: componentSchemas(),
    },
  };
}
