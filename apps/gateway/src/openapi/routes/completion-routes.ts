import { EXAMPLE_PICTURE } from '@fovea/schemas/http';
import { imageErrors, jobErrors } from './job-errors.js';
import { errors, events, type Json, json, jsonBody, nice, type RouteSpec, ref } from './route-spec.js';

const completeExample = {
  model: 'luminous-base',
  prompt: [
    { type: 'image', data: EXAMPLE_PICTURE },
    { type: 'text', data: 'A picture of' },
  ],
  maximum_tokens: 16,
  stop_sequences: ['\n'],
};

const summary = 'Go on from a raw prompt of text, images and token ids; streamed or whole.';

const pharia = (
  path: string,
  operationId: string,
  about: string,
  { request, answer }: { request: Json; answer: RouteSpec['answer'] },
): RouteSpec => ({
  method: 'POST',
  path,
  operationId,
  summary: about,
  tag: 'Completion',
  parameters: [nice],
  request,
  answer,
  errorBody: 'PhariaError',
  errors: errors(...jobErrors, ...imageErrors),
});

export const completionRoutes: readonly RouteSpec[] = [
  pharia('/complete', 'complete', summary, {
    request: jsonBody(ref('CompleteRequest'), completeExample),
    answer: {
      description:
        'The completions; with `"stream": true` server-sent events, the last one a summary of all.',
      content: { ...json(ref('CompleteAnswer')), ...events('CompleteEvent', 'PhariaError') },
    },
  }),
  pharia('/complete/json', 'completeJson', 'Go on from a raw prompt with JSON; never streamed.', {
    request: jsonBody(ref('CompleteRequest'), {
      model: 'luminous-base',
      prompt: 'An apple as JSON:',
      maximum_tokens: 64,
    }),
    answer: {
      description: 'Each completion is JSON, unless the token limit cut it.',
      content: json(ref('CompleteAnswer')),
    },
  }),
  pharia('/evaluate', 'evaluate', 'How likely is a continuation of a prompt.', {
    request: jsonBody(ref('EvaluateRequest'), {
      model: 'luminous-base',
      prompt: 'An apple a day',
      completion_expected: ' keeps the doctor away',
    }),
    answer: {
      description:
        'Log probability and perplexities of the continuation, and what the model would have said.',
      content: json(ref('EvaluateAnswer')),
    },
  }),
  {
    method: 'POST',
    path: '/completions',
    operationId: 'createCompletion',
    summary: 'Go on from raw prompts of text or token ids, in OpenAI’s older form; streamed or whole.',
    tag: 'Completion',
    parameters: [nice],
    request: jsonBody(ref('CompletionsRequest'), {
      model: 'luminous-base',
      prompt: ['Once upon', 'An apple a day'],
      max_tokens: 16,
    }),
    answer: {
      description:
        'The choices, prompt by prompt; with `"stream": true` server-sent events that end with `data: [DONE]`.',
      content: {
        ...json(ref('CompletionsAnswer')),
        ...events('CompletionsChunk', 'OpenAiError', '[DONE]'),
      },
    },
    errorBody: 'OpenAiError',
    errors: errors(...jobErrors),
  },
];
