import {
  errors,
  formBody,
  type Json,
  json,
  pathParameter,
  queryParameter,
  type RouteSpec,
  ref,
} from './route-spec.js';

const upload: RouteSpec = {
  method: 'POST',
  path: '/files',
  operationId: 'createFile',
  summary: 'Store a picture, to be named in chat parts of the type `image_file`.',
  tag: 'Files',
  request: formBody(ref('FileUpload'), {
    file: '(the bytes of a PNG, JPEG, WebP or GIF file)',
    purpose: 'vision',
  }),
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
    'SERVICE_UNAVAILABLE',
  ),
};

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
  errors: errors('INVALID_REQUEST', 'UNAUTHORIZED', 'INTERNAL', 'SERVICE_UNAVAILABLE'),
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
  parameters: [pathParameter('id')],
  answer: { description: summary, content: json(schema) },
  errorBody: 'OpenAiError',
  errors: errors('UNAUTHORIZED', 'NOT_FOUND', 'INTERNAL', 'SERVICE_UNAVAILABLE'),
});

export const fileRoutes: readonly RouteSpec[] = [
  upload,
  files,
  storedFile('GET', 'retrieveFile', 'One stored file, without its bytes.', ref('FileObject')),
  storedFile('DELETE', 'deleteFile', 'Delete a stored file.', ref('FileDeleted')),
];
