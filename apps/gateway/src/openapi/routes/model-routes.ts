import { errors, type Json, json, pathParameter, type RouteSpec, ref } from './route-spec.js';

const listing = (
  path: string,
  operationId: string,
  summary: string,
  schema: Json,
  errorBody: RouteSpec['errorBody'],
): RouteSpec => ({
  method: 'GET',
  path,
  operationId,
  summary,
  tag: 'Models',
  answer: { description: summary, content: json(schema) },
  errorBody,
  errors: errors('UNAUTHORIZED', 'INTERNAL'),
});

const model: RouteSpec = {
  ...listing('/models/{name}', 'retrieveModel', 'One model.', ref('ModelCard'), 'OpenAiError'),
  parameters: [pathParameter('name')],
  errors: errors('UNAUTHORIZED', 'UNKNOWN_MODEL', 'INTERNAL'),
};

export const modelRoutes: readonly RouteSpec[] = [
  listing('/models', 'listModels', 'The models, as OpenAI lists them.', ref('ModelList'), 'OpenAiError'),
  model,
  listing(
    '/model-settings',
    'listModelSettings',
    'The models with their settings and status.',
    { type: 'array', items: ref('ModelSettings') },
    'PhariaError',
  ),
  listing(
    '/models_available',
    'listModelsAvailable',
    'The models, as older Pharia clients list them.',
    { type: 'array', items: ref('ModelAvailable') },
    'PhariaError',
  ),
];
