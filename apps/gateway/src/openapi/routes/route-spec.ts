import { catalogue, type ErrorCode } from '@fovea/errors';

/** A piece of the document. */
export type Json = Record<string, unknown>;

/** One route as the reference shows it. */
export interface RouteSpec {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly tag:
    | 'Chat'
    | 'Completion'
    | 'Embeddings'
    | 'Text'
    | 'Audio'
    | 'Files'
    | 'Models'
    | 'Accounts'
    | 'Status';
  readonly public?: boolean;
  readonly parameters?: readonly Json[];
  readonly request?: Json;
  /** `status` is 200 unless given; an answer without content has none. Undefined: the route only ever refuses. */
  readonly answer:
    | { readonly status?: number; readonly description: string; readonly content?: Json }
    | undefined;
  readonly errorBody: 'OpenAiError' | 'PhariaError';
  readonly errors: readonly { readonly code: ErrorCode; readonly status: number }[];
}

/** A component of the document by its name in `components.ts`. */
export const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

export const json = (schema: Json, example?: unknown): Json => ({
  'application/json': example === undefined ? { schema } : { schema, example },
});

/** A form that must be there; the example shows a file as a sentence about it. */
export const formBody = (schema: Json, example: Json): Json => ({
  required: true,
  content: { 'multipart/form-data': { schema, example } },
});

/**
 * Server-sent events, in the words that OpenAPI 3.1 has for them: the schema is that of one event. Its data are those of
 * `name`, or, behind the first, an error; or the text `end`, if there is such.
 */
export const events = (name: string, error: RouteSpec['errorBody'], end?: '[DONE]'): Json => ({
  'text/event-stream': {
    schema: {
      type: 'object',
      required: ['data'],
      properties: {
        data: {
          type: 'string',
          anyOf: [
            ...(end === undefined ? [] : [{ const: end }]),
            { contentMediaType: 'application/json', contentSchema: { anyOf: [ref(name), ref(error)] } },
          ],
        },
      },
    },
  },
});

/** A JSON body that must be there. */
export const jsonBody = (schema: Json, example?: unknown): Json => ({
  required: true,
  content: json(schema, example),
});

export const errors = (...codes: ErrorCode[]): RouteSpec['errors'] =>
  codes.map((code) => ({ code, status: catalogue[code].status }));

export const queryParameter = (name: string, description: string, schema: Json): Json => ({
  name,
  in: 'query',
  description,
  schema,
});

export const pathParameter = (name: string, schema: Json = { type: 'string' }): Json => ({
  name,
  in: 'path',
  required: true,
  schema,
});

/** `?nice=true`, which every route takes that queues a job. */
export const nice = queryParameter('nice', 'Queue behind the other requests.', {
  type: 'boolean',
  default: false,
});
