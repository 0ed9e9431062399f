import type { ErrorCode } from '@fovea/errors';
import { errors, type Json, json, jsonBody, pathParameter, type RouteSpec, ref } from './route-spec.js';

const always: readonly ErrorCode[] = ['UNAUTHORIZED', 'INTERNAL', 'SERVICE_UNAVAILABLE'];
/** What any body can be refused for. */
const ofBody: readonly ErrorCode[] = [
  'INVALID_REQUEST',
  'REQUEST_TIMEOUT',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'RATE_LIMITED',
  'QUEUE_FULL',
  'TIMEOUT',
];

type Told = Pick<RouteSpec, 'method' | 'path' | 'operationId' | 'summary'>;
const route = (told: Told, rest: Pick<RouteSpec, 'answer'> & Partial<RouteSpec>): RouteSpec => ({
  tag: 'Accounts',
  errorBody: 'PhariaError',
  errors: errors(...(rest.request === undefined ? always : [...ofBody, ...always])),
  ...told,
  ...rest,
});
const answer = (description: string, schema: Json, example?: unknown): RouteSpec['answer'] => ({
  description,
  content: json(schema, example),
});
const listOf = (name: string): Json => ({ type: 'array', items: ref(name) });

const tokenId = '0198c0de-0000-7000-8000-000000000001';

export const accountRoutes: readonly RouteSpec[] = [
  route(
    {
      method: 'GET',
      path: '/users/me',
      operationId: 'getUser',
      summary: 'The tenant of the key, as a user.',
    },
    { answer: answer('The tenant.', ref('User')) },
  ),
  route(
    {
      method: 'GET',
      path: '/users/me/requests',
      operationId: 'listRequests',
      summary: 'The last ten requests of the tenant that were accepted and have ended, latest first.',
    },
    { answer: answer('Figures only; none when `REQUEST_JOURNAL_TTL_S` is 0.', listOf('RequestRecord')) },
  ),
  route(
    {
      method: 'GET',
      path: '/users/me/tokens',
      operationId: 'listApiKeys',
      summary: 'The API keys that the tenant created, without their secrets.',
    },
    { answer: answer('Oldest first.', listOf('ApiKey'), [{ description: 'ci', token_id: tokenId }]) },
  ),
  route(
    {
      method: 'POST',
      path: '/users/me/tokens',
      operationId: 'createApiKey',
      summary: 'Create an API key of the same tenant.',
    },
    {
      request: jsonBody(ref('ApiKeyRequest'), { description: 'ci' }),
      answer: answer('The key; its secret is shown this once.', ref('ApiKeyCreated'), {
        metadata: { description: 'ci', token_id: tokenId },
        token: 'fov_…',
      }),
    },
  ),
  route(
    {
      method: 'DELETE',
      path: '/users/me/tokens/{token_id}',
      operationId: 'deleteApiKey',
      summary: 'Delete an API key that the tenant created; every gateway refuses it within a second.',
    },
    {
      parameters: [pathParameter('token_id')],
      answer: { status: 204, description: 'It is gone.' },
      errors: errors(...always, 'NOT_FOUND'),
    },
  ),
  route(
    {
      method: 'POST',
      path: '/users/login',
      operationId: 'login',
      summary: 'Always refused: there are no passwords here, only API keys. The body is not read.',
    },
    {
      answer: undefined,
      errors: errors(...always, 'MISSING_CAPABILITY'),
    },
  ),
  route(
    {
      method: 'POST',
      path: '/check_privileges',
      operationId: 'checkPrivileges',
      summary: 'Which of these permissions the key has.',
    },
    {
      request: jsonBody(ref('Permissions'), [
        'ExecuteJobs',
        { permission: 'AccessModel', model: 'ocr' },
        'Fly',
      ]),
      answer: answer('Those it has, in the form they were asked.', ref('Permissions'), [
        'ExecuteJobs',
        { permission: 'AccessModel', model: 'ocr' },
      ]),
    },
  ),
];
