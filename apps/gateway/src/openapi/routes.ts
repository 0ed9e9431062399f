import { catalogue, type ErrorCode } from '@fovea/errors';

type Json = Record<string, unknown>;

/** One route as the reference shows it. */
export interface RouteSpec {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly tag: 'Chat' | 'Files' | 'Models' | 'Status';
  readonly public?: boolean;
  readonly parameters?: readonly Json[];
  readonly request?: Json;
  readonly answer: { readonly description: string; readonly content: Json };
  readonly errorBody: 'OpenAiError' | 'PhariaError';
  readonly errors: readonly { readonly code: ErrorCode; readonly status: number }[];
}

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: Json): Json => ({ 'application/json': { schema } });
const errors = (...codes: ErrorCode[]): RouteSpec['errors'] =>
  codes.map((code) => ({ code, status: catalogue[code].status }));

const exampleRequest = {
  model: 'ocr',
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What does it say?' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
      ],
    },
  ],
  stream: true,
};

const chat: RouteSpec = {
  method: 'POST',
  path: '/chat/completions',
  operationId: 'createChatCompletion',
  summary: 'Answer a conversation of text and images; streamed or whole.',
  tag: 'Chat',
  parameters: [
    {
      name: 'nice',
      in: 'query',
      description: 'Queue behind the other requests.',
      schema: { type: 'boolean', default: false },
    },
  ],
  request: {
    required: true,
    content: { 'application/json': { schema: ref('ChatRequest'), example: exampleRequest } },
  },
  answer: {
    description: 'The answer; with `"stream": true` server-sent events that end with `data: [DONE]`.',
    content: { ...json(ref('ChatAnswer')), 'text/event-stream': { schema: ref('ChatChunk') } },
  },
  errorBody: 'OpenAiError',
  errors: errors(
    'INVALID_REQUEST',
    'MISSING_CAPABILITY',
    'INVALID_IMAGE',
    'IMAGE_TOO_LARGE',
    'EXTERNAL_IMAGE_URL',
    'CONTEXT_LENGTH_EXCEEDED',
    'UNAUTHORIZED',
    'UNKNOWN_MODEL',
    'NOT_FOUND',
    'REQUEST_TIMEOUT',
    'PAYLOAD_TOO_LARGE',
    'UNSUPPORTED_MEDIA_TYPE',
    'RATE_LIMITED',
    'INTERNAL',
    'BACKEND_ERROR',
    'QUEUE_FULL',
    'STORAGE_FULL',
    'MODEL_UNAVAILABLE',
    'TIMEOUT',
  ),
};

const upload: RouteSpec = {
  method: 'POST',
  path: '/files',
  operationId: 'createFile',
  summary: 'Store a picture, to be named in chat parts of the type `image_file`.',
  tag: 'Files',
  request: { required: true, content: { 'multipart/form-data': { schema: ref('FileUpload') } } },
  answer: { description: 'The stored file.', content: json(ref('FileObject')) },
  errorBody: 'OpenAiError',
  errors: errors(
    'INVALID_REQUEST',
    'INVALID_IMAGE',
    'IMAGE_TOO_LARGE',
    'UNAUTHORIZED',
    'REQUEST_TIMEOUT',
    'PAYLOAD_TOO_LARGE',
    'UNSUPPORTED_MEDIA_TYPE',
    'RATE_LIMITED',
    'INTERNAL',
    'QUEUE_FULL',
    'STORAGE_FULL',
  ),
};

const queryParameter = (name: string, description: string, schema: Json): Json => ({
  name,
  in: 'query',
  description,
  schema,
});

const files: RouteSpec = {
  method: 'GET',
  path: '/files',
  operationId: 'listFiles',
  summary: 'The stored files of this tenant.',
  tag: 'Files',
  parameters: [
    queryParameter('purpose', 'Only files of this purpose.', { type: 'string' }),
    queryParameter('limit', 'Most files of one page.', {
      type: 'integer',
      minimum: 1,
      maximum: 10_000,
      default: 10_000,
    }),
    queryParameter('order', 'By the time of the upload.', {
      type: 'string',
      enum: ['asc', 'desc'],
      default: 'desc',
    }),
    queryParameter('after', 'The id of the last file of the page before.', { type: 'string' }),
  ],
  answer: { description: 'One page of files.', content: json(ref('FileList')) },
  errorBody: 'OpenAiError',
  errors: errors('INVALID_REQUEST', 'UNAUTHORIZED', 'INTERNAL'),
};

const storedFile = (
  method: RouteSpec['method'],
  operationId: string,
  summary: string,
  schema: Json,
): RouteSpec => ({
  method,
  path: '/files/{id}',
  operationId,
  summary,
  tag: 'Files',
  parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
  answer: { description: summary, content: json(schema) },
  errorBody: 'OpenAiError',
  errors: errors('UNAUTHORIZED', 'NOT_FOUND', 'INTERNAL'),
});

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
  parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }],
  errors: errors('UNAUTHORIZED', 'UNKNOWN_MODEL', 'INTERNAL'),
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

/** Every API route; a test proves that the gateway serves these and no others. */
export const routes: readonly RouteSpec[] = [
  chat,
  upload,
  files,
  storedFile('GET', 'retrieveFile', 'One stored file, without its bytes.', ref('FileObject')),
  storedFile('DELETE', 'deleteFile', 'Delete a stored file.', ref('FileDeleted')),
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
  listing('/limits', 'getLimits', 'Every bound a request has.', ref('Limits'), 'PhariaError'),
  status('/version', 'getVersion', 'The version of the API.', {
    'text/plain': { schema: { type: 'string' } },
  }),
  status('/health', 'getHealth', 'Whether the gateway answers.', json({ type: 'object' })),
];
