import { jobErrors } from './job-errors.js';
import { errors, json, jsonBody, nice, type RouteSpec, ref } from './route-spec.js';

const embedding = (
  path: string,
  operationId: string,
  summary: string,
  { request, answer, example }: { request: string; answer: string; example: unknown },
  errorBody: RouteSpec['errorBody'],
): RouteSpec => ({
  method: 'POST',
  path,
  operationId,
  summary,
  tag: 'Embeddings',
  parameters: [nice],
  request: jsonBody(ref(request), example),
  answer: { description: 'The vectors, in the order of the inputs.', content: json(ref(answer)) },
  errorBody,
  errors: errors(...jobErrors),
});

export const embeddingRoutes: readonly RouteSpec[] = [
  embedding(
    '/embeddings',
    'createEmbedding',
    'Vectors for texts, as OpenAI has it.',
    {
      request: 'EmbeddingsRequest',
      answer: 'EmbeddingsAnswer',
      example: { model: 'embedder', input: ['a red circle', 'a blue square'], encoding_format: 'float' },
    },
    'OpenAiError',
  ),
  embedding(
    '/semantic_embed',
    'semanticEmbed',
    'The vector of a prompt, by what it is for.',
    {
      request: 'SemanticEmbedRequest',
      answer: 'SemanticEmbedAnswer',
      example: { model: 'embedder', prompt: 'a red circle', representation: 'query' },
    },
    'PhariaError',
  ),
  embedding(
    '/batch_semantic_embed',
    'batchSemanticEmbed',
    'Vectors of up to a hundred prompts.',
    {
      request: 'BatchSemanticEmbedRequest',
      answer: 'BatchSemanticEmbedAnswer',
      example: {
        model: 'embedder',
        prompts: ['a red circle', [{ type: 'text', data: 'a blue square' }]],
        representation: 'document',
        normalize: true,
      },
    },
    'PhariaError',
  ),
];
