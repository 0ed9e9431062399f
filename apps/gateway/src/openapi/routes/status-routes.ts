import { errors, type Json, json, type RouteSpec, ref } from './route-spec.js';

const limits: RouteSpec = {
  method: 'GET',
  path: '/limits',
  operationId: 'getLimits',
  summary: 'Every bound a request has.',
  tag: 'Models',
  answer: { description: 'Every bound a request has.', content: json(ref('Limits')) },
  errorBody: 'PhariaError',
  errors: errors('UNAUTHORIZED', 'INTERNAL', 'SERVICE_UNAVAILABLE'),
};

const status = (path: string, operationId: string, summary: string, content: Json): RouteSpec => ({
  method: 'GET',
  path,
  operationId,
  summary,
  tag: 'Status',
  public: true,
  answer: { description: summary, content },
  errorBody: 'PhariaError',
  errors: [],
});

export const statusRoutes: readonly RouteSpec[] = [
  limits,
  status('/version', 'getVersion', 'The version of the API.', {
    'text/plain': { schema: { type: 'string' } },
  }),
  status('/health', 'getHealth', 'Whether the gateway answers.', json({ type: 'object' })),
];
