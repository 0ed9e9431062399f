import { completeRequestSchema, evaluateRequestSchema } from '@fovea/schemas/http';
import type { BlobRef } from '@fovea/schemas/jobs';
import { describe, expect, it } from '@jest/globals';
import { parseRequest, withoutNulls } from '../../ingest/parse-request.js';
import { listingOf, refusalOf } from '../testing/listing.js';
import { requireDefaults } from './default-only.js';
import { type TranslatedComplete, toCompleteTask } from './to-complete-task.js';

const base = { model: 'm', prompt: 'An apple' };

const translate = (
  fields: Readonly<Record<string, unknown>>,
  { listing = listingOf(), form = 'text' as 'text' | 'json', media = new Map<string, BlobRef>() } = {},
): TranslatedComplete => {
  const wire = parseRequest(completeRequestSchema, withoutNulls({ ...base, ...fields }));
  return toCompleteTask(wire, media, listing, form);
};
const samplingOf = (fields: Readonly<Record<string, unknown>>) => translate(fields).work.task.sampling;

/** What `aleph-alpha-client` sends when its user sets nothing but a prompt and a maximum. */
const sentByClient = {
  prompt: [{ type: 'text', data: 'An apple', controls: [] }],
  maximum_tokens: 7,
  minimum_tokens: 0,
  temperature: 0,
  top_k: 0,
  top_p: 0,
  presence_penalty: 0,
  frequency_penalty: 0,
  sequence_penalty: 0,
  sequence_penalty_min_length: 2,
  repetition_penalties_include_prompt: false,
  repetition_penalties_include_completion: true,
  use_multiplicative_presence_penalty: false,
  use_multiplicative_frequency_penalty: false,
  use_multiplicative_sequence_penalty: false,
  completion_bias_inclusion_first_token_only: false,
  completion_bias_exclusion_first_token_only: false,
  contextual_control_threshold: null,
  control_log_additive: true,
  n: 1,
  tokens: false,
  raw_completion: false,
  disable_optimizations: false,
  echo: false,
  hosting: null,
  tags: ['internal'],
};

describe('a request to /complete', () => {
  it('is greedy and takes what the context leaves unless told otherwise', () => {
    const { work, candidates, optimized } = translate({});
    expect(work.task).toEqual({
      kind: 'completion',
      prompts: [[{ type: 'text', text: 'An apple' }]],
      sampling: { temperature: 0 },
    });
    expect(candidates).toMatchObject({ asked: 1, generated: 1, returned: 1 });
    expect(optimized).toBeUndefined();
  });

  it('is taken with everything at its default, and with nulls', () => {
    const { work } = translate(sentByClient);
    expect(work.task.sampling).toEqual({
      maxTokens: 7,
      temperature: 0,
      frequencyPenalty: 0,
      presencePenalty: 0,
    });
    const nulls = Object.fromEntries(Object.keys(sentByClient).map((key) => [key, null]));
    expect(translate({ ...nulls, prompt: 'x', best_of: null, log_probs: null }).work.task.sampling).toEqual({
      temperature: 0,
    });
  });

  it('hands on what an engine does', () => {
    const fields = {
      maximum_tokens: 9,
      minimum_tokens: 2,
      temperature: 0.5,
      top_k: 4,
      top_p: 0.9,
      presence_penalty: 1,
      frequency_penalty: -1,
      n: 3,
      logit_bias: { '5': -100 },
      stop_sequences: ['\n'],
      log_probs: 4,
    };
    expect(samplingOf(fields)).toEqual({
      maxTokens: 9,
      minTokens: 2,
      temperature: 0.5,
      topK: 4,
      topP: 0.9,
      presencePenalty: 1,
      frequencyPenalty: -1,
      n: 3,
      logitBias: { '5': -100 },
      stop: ['\n'],
      logprobs: true,
      topLogprobs: 4,
    });
  });

  it('asks for log probabilities where the answer needs them', () => {
    expect(samplingOf({ tokens: true })).toMatchObject({ logprobs: true, topLogprobs: 0 });
    expect(samplingOf({ log_probs: 0 })).toMatchObject({ logprobs: true, topLogprobs: 0 });
    expect(samplingOf({ best_of: 3, temperature: 1 })).toMatchObject({ logprobs: true, n: 3 });
    expect(samplingOf({ raw_completion: true })).not.toHaveProperty('logprobs');
  });

  it.each([
    ['model', '', 'a'],
    ['maximum_tokens', -1, 1],
    ['maximum_tokens', 1.5, 1],
    ['minimum_tokens', -1, 0],
    ['temperature', -0.1, 0],
    ['temperature', 1.1, 1],
    ['top_k', -1, 0],
    ['top_p', -0.1, 0],
    ['top_p', 1.1, 1],
    ['presence_penalty', -2.1, -2],
    ['presence_penalty', 2.1, 2],
    ['frequency_penalty', -2.1, -2],
    ['frequency_penalty', 2.1, 2],
    ['sequence_penalty_min_length', 1, 2],
    ['best_of', 0, 1],
    ['best_of', 101, 100],
    ['n', 0, 1],
    ['n', 17, 16],
    ['log_probs', -1, 0],
    ['log_probs', 21, 20],
    ['stop_sequences', Array(17).fill('a'), Array(16).fill('a')],
    ['logit_bias', { 5: 101 }, { 5: 100 }],
    ['logit_bias', { five: 1 }, { 5: -100 }],
    ['sequence_penalty', 'a', 0],
    ['penalty_bias', 1, ''],
    ['penalty_exceptions', 'a', []],
    ['penalty_exceptions_include_stop_sequences', 1, false],
    ['contextual_control_threshold', 'a', null],
    ['completion_bias_inclusion', 'a', []],
    ['completion_bias_exclusion', [1], []],
    ['steering_concepts', [1], []],
    ['tokens', 'yes', true],
    ['raw_completion', 'yes', true],
    ['disable_optimizations', 'yes', true],
    ['echo', 'yes', true],
    ['stream', 'yes', true],
    ['control_log_additive', 'yes', true],
    ['hosting', 1, 'aleph-alpha'],
    ['tags', 'a', ['a']],
    ['prompt', 1, ''],
    ['prompt', [{ type: 'audio', data: '' }], []],
  ])('%s: %j is refused with its path, %j is taken', (field, wrong, right) => {
    const refused = refusalOf(() => translate({ [field]: wrong }));
    expect(refused).toMatchObject({
      code: 'INVALID_REQUEST',
      param: expect.stringMatching(new RegExp(`^${field}`)),
    });
    expect(() => translate({ temperature: 1, [field]: right })).not.toThrow();
  });

  it.each(['', '\u0000', 'a'])('refuses an empty stop sequence, and takes others: %j', (text) => {
    if (text === '') {
      const refused = refusalOf(() => translate({ stop_sequences: ['a', text] }));
      expect(refused).toMatchObject({ code: 'INVALID_REQUEST', param: 'stop_sequences[1]' });
    } else expect(samplingOf({ stop_sequences: [text] })).toMatchObject({ stop: [text] });
  });

  it.each([
    ['sequence_penalty', 0.1],
    ['sequence_penalty_min_length', 3],
    ['repetition_penalties_include_prompt', true],
    ['repetition_penalties_include_completion', false],
    ['use_multiplicative_presence_penalty', true],
    ['use_multiplicative_frequency_penalty', true],
    ['use_multiplicative_sequence_penalty', true],
    ['penalty_bias', 'a'],
    ['penalty_exceptions', ['a']],
    ['completion_bias_inclusion', ['a']],
    ['completion_bias_exclusion', ['a']],
    ['completion_bias_inclusion_first_token_only', true],
    ['completion_bias_exclusion_first_token_only', true],
    ['contextual_control_threshold', 0],
    ['control_log_additive', false],
    ['steering_concepts', ['_worker/calm']],
  ])('does not offer %s: %j', (field, value) => {
    const refused = refusalOf(() => translate({ [field]: value }));
    expect(refused).toMatchObject({ code: 'MISSING_CAPABILITY', param: field });
  });

  it.each([
    ['maximum_tokens', { maximum_tokens: 0 }, { maximum_tokens: 0, echo: true }],
    ['minimum_tokens', { maximum_tokens: 3, minimum_tokens: 4 }, { maximum_tokens: 4, minimum_tokens: 4 }],
    ['best_of', { best_of: 2, n: 2 }, { best_of: 3, n: 2 }],
    ['best_of', { best_of: 2, stream: true }, { best_of: 1, n: 2, stream: true }],
  ])('refuses %s when fields contradict each other: %j', (param, wrong, right) => {
    expect(refusalOf(() => translate(wrong))).toMatchObject({ code: 'INVALID_REQUEST', param });
    expect(() => translate(right)).not.toThrow();
  });

  it('is held to JSON by what the model offers for it', () => {
    const offering = (...structuredOutput: ('json_object' | 'json_schema' | 'regex')[]) => ({
      form: 'json' as const,
      listing: listingOf('luminous', {}, { structuredOutput }),
    });
    const formatOf = (...offered: Parameters<typeof offering>) =>
      translate({}, offering(...offered)).work.task.responseFormat;
    expect(formatOf('json_schema', 'json_object')).toEqual({ type: 'json_object' });
    expect(formatOf('json_schema')).toMatchObject({ type: 'json_schema', schema: { type: 'object' } });
    expect(refusalOf(() => formatOf('regex'))).toMatchObject({ code: 'MISSING_CAPABILITY' });
    expect(translate({}).work.task.responseFormat).toBeUndefined();
  });

  it('may have best_of with "stream" where nothing is streamed', () => {
    const listing = listingOf('luminous', {}, { structuredOutput: ['json_object'] });
    expect(() => translate({ best_of: 2, stream: true }, { form: 'json', listing })).not.toThrow();
  });
});

describe('a request to /evaluate', () => {
  const right = { model: 'm', prompt: 'a', completion_expected: 'b' };
  const parse = (fields: object): void => {
    const wire = parseRequest(evaluateRequestSchema, withoutNulls({ ...right, ...fields }));
    requireDefaults({ ...wire, prompt: wire.prompt });
  };

  it.each([
    ['model', 1],
    ['model', null],
    ['prompt', 1],
    ['prompt', null],
    ['completion_expected', ''],
    ['completion_expected', 1],
    ['completion_expected', null],
    ['control_log_additive', 1],
    ['contextual_control_threshold', 'a'],
    ['hosting', 1],
    ['tags', 1],
  ])('with %s: %j is refused with its path', (param, value) => {
    expect(refusalOf(() => parse({ [param]: value }))).toMatchObject({ code: 'INVALID_REQUEST', param });
  });

  it('is taken with the nulls that clients send', () => {
    const nulls = { contextual_control_threshold: null, hosting: null, tags: null };
    expect(() => parse({ ...nulls, control_log_additive: true })).not.toThrow();
    expect(refusalOf(() => parse({ control_log_additive: false }))).toMatchObject({
      code: 'MISSING_CAPABILITY',
      param: 'control_log_additive',
    });
  });
});
