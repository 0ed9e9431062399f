import { errors, json, jsonBody, nice, type RouteSpec, ref } from './route-spec.js';

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
  parameters: [nice],
  request: jsonBody(ref('ChatRequest'), exampleRequest),
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
    'SERVICE_UNAVAILABLE',
    'TIMEOUT',
  ),
};

export const chatRoutes: readonly RouteSpec[] = [chat];
