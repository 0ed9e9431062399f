import { jobErrors } from './job-errors.js';
import { errors, json, jsonBody, nice, pathParameter, type RouteSpec, ref } from './route-spec.js';

const text = (
  path: string,
  operationId: string,
  summary: string,
  { request, answer, example }: { request: string; answer: string; example: unknown },
): RouteSpec => ({
  method: 'POST',
  path,
  operationId,
  summary,
  tag: 'Text',
  parameters: [nice],
  request: jsonBody(ref(request), example),
  answer: { description: summary, content: json(ref(answer)) },
  errorBody: 'PhariaError',
  errors: errors(...jobErrors),
});

const tokenizer: RouteSpec = {
  method: 'GET',
  path: '/models/{name}/tokenizer',
  operationId: 'retrieveTokenizer',
  summary: 'The `tokenizer.json` of a model.',
  tag: 'Text',
  parameters: [pathParameter('name')],
  answer: { description: 'The file as the model’s folder holds it.', content: json({ type: 'object' }) },
  errorBody: 'PhariaError',
  errors: errors(
    'MISSING_CAPABILITY',
    'UNAUTHORIZED',
    'UNKNOWN_MODEL',
    'INTERNAL',
    'BACKEND_ERROR',
    'QUEUE_FULL',
    'STORAGE_FULL',
    'MODEL_UNAVAILABLE',
    'SERVICE_UNAVAILABLE',
    'TIMEOUT',
  ),
};

export const textRoutes: readonly RouteSpec[] = [
  text('/tokenize', 'tokenize', 'The tokens of a text.', {
    request: 'TokenizeRequest',
    answer: 'TokenizeAnswer',
    example: { model: 'writer', prompt: 'hello', tokens: true, token_ids: true },
  }),
  text('/detokenize', 'detokenize', 'The text of tokens.', {
    request: 'DetokenizeRequest',
    answer: 'DetokenizeAnswer',
    example: { model: 'writer', token_ids: [4711] },
  }),
  tokenizer,
  text('/rerank', 'rerank', 'How well documents fit a query, the best first.', {
    request: 'RerankRequest',
    answer: 'RerankAnswer',
    example: { model: 'judge', query: 'a red circle', documents: ['circles', 'squares'], top_n: 1 },
  }),
];
