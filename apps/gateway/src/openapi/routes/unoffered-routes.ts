import { imageErrors, jobErrors } from './job-errors.js';
import { errors, jsonBody, nice, type RouteSpec, ref } from './route-spec.js';

const unoffered = (
  path: string,
  operationId: string,
  request: string,
  example: unknown,
  ...more: readonly (typeof imageErrors)[number][]
): RouteSpec => ({
  method: 'POST',
  path,
  operationId,
  summary: 'Checked and answered with `MISSING_CAPABILITY`: no engine of ours offers it.',
  tag: 'Text',
  parameters: [nice],
  request: jsonBody(ref(request), example),
  answer: undefined,
  errorBody: 'PhariaError',
  errors: errors(...jobErrors, ...more),
});

/** Routes of the PhariaInference API that are there to be refused clearly. */
export const unofferedRoutes: readonly RouteSpec[] = [
  unoffered(
    '/embed',
    'embed',
    'EmbedRequest',
    { model: 'm', prompt: 'hi', layers: [-1], pooling: ['mean'] },
    ...imageErrors,
  ),
  unoffered(
    '/instructable_embed',
    'instructableEmbed',
    'InstructableEmbedRequest',
    { input: 'hi', instruction: 'Find greetings' },
    ...imageErrors,
  ),
  unoffered(
    '/explain',
    'explain',
    'ExplainRequest',
    { model: 'm', prompt: 'hi', target: ' there' },
    ...imageErrors,
  ),
  unoffered('/translate', 'translate', 'TranslateRequest', {
    model: 'm',
    source: 'Guten Tag',
    target_language: 'en',
  }),
  unoffered('/steering_concepts', 'createSteeringConcept', 'SteeringConceptRequest', {
    examples: [{ negative: 'bad', positive: 'good' }],
  }),
];
