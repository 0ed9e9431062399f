import { EXAMPLE_PICTURE } from '@fovea/schemas/http';
import { errors, events, json, jsonBody, nice, type RouteSpec, ref } from './route-spec.js';

const exampleRequest = {
  model: 'shapes-vlm',
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Describe the following image.' },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${EXAMPLE_PICTURE}` } },
      ],
    },
  ],
  max_tokens: 32,
};

const chat: RouteSpec = {
  method: 'POST',
  path: '/chat/completions',
  operationId: 'createChatCompletion',
  summary: 'Answer a conversation of text and images; streamed or whole.',
  tag: 'Chat',
  parameters: [nice],
  request: jsonBody(ref('ChatRequest'), exampleRequest),
  answer: {
    description: 'The answer; with `"stream": true` server-sent events that end with `data: [DONE]`.',
    content: { ...json(ref('ChatAnswer')), ...events('ChatChunk', 'OpenAiError', '[DONE]') },
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
    'SERVICE_UNAVAILABLE',
    'TIMEOUT',
  ),
};

export const chatRoutes: readonly RouteSpec[] = [chat];
