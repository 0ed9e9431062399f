import { errors, type Json, json, pathParameter, queryParameter, type RouteSpec, ref } from './route-spec.js';

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
  errors: errors('UNAUTHORIZED', 'INTERNAL', 'SERVICE_UNAVAILABLE'),
});

const model: RouteSpec = {
  ...listing('/models/{name}', 'retrieveModel', 'One model.', ref('ModelCard'), 'OpenAiError'),
  parameters: [pathParameter('name')],
  errors: errors('UNAUTHORIZED', 'UNKNOWN_MODEL', 'INTERNAL', 'SERVICE_UNAVAILABLE'),
};

const removal: RouteSpec = {
  method: 'DELETE',
  path: '/model-packages/{checkpoint}',
  operationId: 'deleteModelPackage',
  summary: 'Forget a checkpoint that no worker serves any more; takes an admin key.',
  tag: 'Models',
  parameters: [pathParameter('checkpoint')],
  answer: { status: 204, description: 'All its versions and model names are forgotten.' },
  errorBody: 'PhariaError',
  errors: errors(
    'UNAUTHORIZED',
    'FORBIDDEN',
    'UNKNOWN_MODEL',
    'MODEL_PACKAGE_CONFLICT',
    'INTERNAL',
    'SERVICE_UNAVAILABLE',
  ),
};

const side = (name: string): Json => ({
  ...queryParameter(name, 'Pixels, upright.', { type: 'integer', minimum: 1, maximum: 4000 }),
  required: true,
});

const imageTokens: RouteSpec = {
  ...listing(
    '/image-tokens',
    'countImageTokens',
    'What a picture of so many pixels costs with a model.',
    {
      type: 'object',
      properties: {
        tokens: {
          type: ['integer', 'null'],
          description: "Null where nothing is known of the model's image processor.",
        },
      },
      required: ['tokens'],
    },
    'OpenAiError',
  ),
  parameters: [
    { ...queryParameter('model', 'Name of the model.', { type: 'string' }), required: true },
    side('width'),
    side('height'),
  ],
  errors: errors(
    'UNAUTHORIZED',
    'INVALID_REQUEST',
    'UNKNOWN_MODEL',
    'MISSING_CAPABILITY',
    'INTERNAL',
    'SERVICE_UNAVAILABLE',
  ),
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
  imageTokens,
  removal,
];
