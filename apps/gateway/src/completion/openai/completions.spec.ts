import type { GenerationEvent, Logprob } from '@fovea/schemas/events';
import { completionsChunkSchema, completionsRequestSchema } from '@fovea/schemas/http';
import { describe, expect, it } from '@jest/globals';
import { parseRequest, withoutNulls } from '../../ingest/parse-request.js';
import { Candidates } from '../choices/candidates.js';
import { listingOf, refusalOf } from '../testing/listing.js';
import { CompletionsChunks } from './completions-chunks.js';
import { toLegacyLogprobs } from './legacy-logprobs.js';
import { toCompletionsTask } from './to-completions-task.js';

const translate = (fields: Readonly<Record<string, unknown>>, unknown = {}) => {
  const wire = parseRequest(completionsRequestSchema, withoutNulls({ model: 'm', prompt: 'a', ...fields }));
  return toCompletionsTask(wire, unknown, listingOf('vllm'));
};

describe('a request to /completions', () => {
  it.each([
    ['a', [[{ type: 'text', text: 'a' }]], ['prompt']],
    [
      ['a', 'b'],
      [[{ type: 'text', text: 'a' }], [{ type: 'text', text: 'b' }]],
      ['prompt[0]', 'prompt[1]'],
    ],
    [[1, 2], [[{ type: 'token-ids', tokenIds: [1, 2] }]], ['prompt']],
    [
      [[1], [2, 3]],
      [[{ type: 'token-ids', tokenIds: [1] }], [{ type: 'token-ids', tokenIds: [2, 3] }]],
      ['prompt[0]', 'prompt[1]'],
    ],
  ])('with the prompt %j has the prompts %j', (prompt, prompts, paths) => {
    const { work } = translate({ prompt });
    expect(work.task.prompts).toEqual(prompts);
    expect(work.pieces.flat().map(({ path }) => path)).toEqual(paths);
    expect(work.task.sampling).toEqual({ maxTokens: 16 });
  });

  it('hands on what is sampled, and the extensions that the package lists', () => {
    const { work, ignored } = translate(
      {
        temperature: 0.5,
        top_p: 0.5,
        top_k: 3,
        n: 2,
        stop: 'x',
        seed: 4,
        logprobs: 2,
        echo: true,
        max_tokens: 0,
      },
      { min_p: 0.1, made_up: 1 },
    );
    expect(work.task).toMatchObject({ echo: true, extensions: { min_p: 0.1 } });
    expect(work.task.sampling).toEqual({
      maxTokens: 0,
      temperature: 0.5,
      topP: 0.5,
      topK: 3,
      n: 2,
      stop: ['x'],
      seed: 4,
      logprobs: true,
      topLogprobs: 2,
    });
    expect(ignored).toEqual(['made_up']);
  });

  it.each([
    ['model', 1, 'm'],
    ['prompt', 1, ''],
    ['prompt', [], ['']],
    ['prompt', [1.5], [0]],
    ['prompt', [-1], [0]],
    ['prompt', [[]], [[0]]],
    ['prompt', Array(129).fill('a'), Array(128).fill('a')],
    ['max_tokens', -1, 1],
    ['temperature', -0.1, 0],
    ['temperature', 2.1, 2],
    ['top_p', 1.1, 0],
    ['top_k', -2, -1],
    ['n', 0, 1],
    ['n', 17, 16],
    ['best_of', 0, 1],
    ['best_of', 21, 20],
    ['stop', '', 'a'],
    ['stop', Array(17).fill('a'), Array(16).fill('a')],
    ['presence_penalty', 2.1, 2],
    ['frequency_penalty', -2.1, -2],
    ['logit_bias', { 1: 101 }, { 1: 100 }],
    ['logprobs', -1, 0],
    ['logprobs', 6, 5],
    ['echo', 1, true],
    ['seed', 1.5, 1],
    ['stream', 1, true],
    ['stream_options', 1, { include_usage: null }],
    ['suffix', 1, ''],
    ['user', 1, 'me'],
    ['hosting', 1, 'h'],
    ['tags', 1, []],
  ])('%s: %j is refused with its path, %j and null are taken', (field, wrong, right) => {
    expect(refusalOf(() => translate({ [field]: wrong }))).toMatchObject({
      code: 'INVALID_REQUEST',
      param: expect.stringMatching(new RegExp(`^${field}`)),
    });
    expect(() => translate({ [field]: right })).not.toThrow();
    if (field !== 'model' && field !== 'prompt') expect(() => translate({ [field]: null })).not.toThrow();
  });

  it.each([
    ['max_tokens', { max_tokens: 0 }, { max_tokens: 0, echo: true }],
    ['best_of', { n: 3, best_of: 2 }, { n: 3, best_of: 3 }],
    ['best_of', { best_of: 2, stream: true }, { n: 2, best_of: 2, stream: true }],
    ['prompt', { prompt: Array(65).fill('a'), n: 2 }, { prompt: Array(64).fill('a'), n: 2 }],
    ['prompt', { prompt: Array(7).fill('a'), best_of: 20 }, { prompt: Array(6).fill('a'), best_of: 20 }],
  ])('refuses %s when fields contradict each other, or are too much together', (param, wrong, right) => {
    expect(refusalOf(() => translate(wrong))).toMatchObject({ code: 'INVALID_REQUEST', param });
    expect(() => translate(right)).not.toThrow();
  });

  it('fills in no middle', () => {
    expect(refusalOf(() => translate({ suffix: 'x' }))).toMatchObject({
      code: 'MISSING_CAPABILITY',
      param: 'suffix',
    });
  });
});

const logprob = (token: string, value: number): Logprob => ({
  token,
  logprob: value,
  bytes: [],
  top: value === -9999 ? [] : [{ token: 'x', logprob: -0.1, bytes: [] }],
});

describe('log probabilities in OpenAI’s older form', () => {
  it('know nothing of a first token, and where each one begins', () => {
    expect(toLegacyLogprobs([logprob('ab', -9999), logprob('c', -1)], 5)).toEqual({
      tokens: ['ab', 'c'],
      token_logprobs: [null, -1],
      top_logprobs: [null, { x: -0.1, c: -1 }],
      text_offset: [5, 7],
    });
  });
});

describe('the chunks of a streamed completion', () => {
  const candidates = new Candidates({ prompts: 1, n: 1, bestOf: 1, temperature: 1, echo: false });
  const head = { id: 'cmpl-1', created: 1, model: 'm' };
  const events: GenerationEvent[] = [
    { type: 'generation-start', queueTimeMs: 1, attempt: 1 },
    { type: 'text-delta', index: 0, text: 'ab', logprobs: [logprob('ab', -1)] },
    { type: 'text-delta', index: 0, text: 'c', logprobs: [logprob('c', -2)] },
    { type: 'choice-end', index: 0, finishReason: 'stop' },
    { type: 'generation-end', usage: { promptTokens: 1, completionTokens: 2 }, systemFingerprint: 'f' },
  ];
  const chunksOf = (more: { includeUsage?: boolean; logprobs?: boolean }) => {
    const chunks = new CompletionsChunks({ head, candidates, includeUsage: false, logprobs: false, ...more });
    const wire = events.map((event) => chunks.frames(event)).join('');
    expect(chunks.done).toBe('data: [DONE]\n\n');
    const lines = wire.split('\n\n').filter((line) => line !== '');
    return lines.map((line) => completionsChunkSchema.parse(JSON.parse(line.replace(/^data: /, ''))));
  };

  it('are text, a finish, and usage when it is asked for', () => {
    const chunks = chunksOf({ includeUsage: true });
    expect(chunks.map(({ choices }) => choices[0]?.text)).toEqual(['ab', 'c', '', undefined]);
    expect(chunks[2]?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks[3]).toMatchObject({ system_fingerprint: 'f', usage: { total_tokens: 3 } });
    expect(chunksOf({})).toHaveLength(3);
    expect(chunks[0]?.choices[0]?.logprobs).toBeNull();
  });

  it('go on counting where tokens begin', () => {
    const offsets = chunksOf({ logprobs: true }).map(({ choices }) => choices[0]?.logprobs?.text_offset);
    expect(offsets).toEqual([[0], [2], undefined]);
  });
});
