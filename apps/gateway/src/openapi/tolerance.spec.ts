import { describe, expect, it } from '@jest/globals';
import { components } from './components.js';
import { routes } from './routes/all-routes.js';
import type { RouteSpec } from './routes/route-spec.js';

interface JsonBody {
  readonly schema?: { readonly $ref?: string };
  readonly example?: unknown;
}

const jsonOf = ({ request }: RouteSpec): JsonBody | undefined =>
  (request?.content as Record<string, JsonBody> | undefined)?.['application/json'];

/** Those whose body is an object, with its schema and example. */
const posts = routes.flatMap((route) => {
  const body = route.method === 'POST' ? jsonOf(route) : undefined;
  const name = body?.schema?.$ref?.split('/').at(-1) ?? '';
  const schema = components[name as keyof typeof components];
  const { example } = body ?? {};
  if (typeof example !== 'object' || example === null || Array.isArray(example)) return [];
  return [{ path: route.path, schema, example }];
});

describe('every POST route with a JSON object', () => {
  it('is one of those that are checked here', () => {
    expect(posts.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/chat/completions', '/users/me/tokens']),
    );
  });

  it.each(posts)(
    'takes its documented example, also with `hosting` and `tags`: $path',
    ({ schema, example }) => {
      expect(schema).toBeDefined();
      schema.parse(example);
      schema.parse({ ...example, hosting: 'aleph-alpha', tags: ['a', 'b'] });
    },
  );
});

describe('routes that queue a job', () => {
  const queued = routes.filter(
    ({ method, errors }) => method === 'POST' && errors.some(({ code }) => code === 'MODEL_UNAVAILABLE'),
  );

  it.each(queued)('say that they take `?nice=true`: $path', ({ parameters }) => {
    expect(parameters).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'nice', in: 'query' })]),
    );
  });
});
