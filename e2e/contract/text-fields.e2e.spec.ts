import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { System } from '../support/system.js';
import { workerToml } from '../support/workers.js';
import { type FieldTable, fieldCases, judgeCase } from './field-cases.js';

const noTexts = [[7], [true], [{}]] as const;
const noFlags = [['yes'], [1], [[]]] as const;
const tolerated = { hosting: [null, 'aleph-alpha'], tags: [null, [], ['internal']] };
const model = [[7], [''], ['x'.repeat(257)], [{}]] as const;
const prompt = [
  [7],
  [{}],
  [[{ type: 'audio' }], 'prompt[0].type'],
  [[{ type: 'text' }], 'prompt[0].data'],
  [[{ type: 'token_ids', data: [-1] }], 'prompt[0].data[0]'],
  [[{ type: 'token_ids', data: [0.5] }], 'prompt[0].data[0]'],
] as const;
const semantic = {
  taken: {
    model: ['e', null],
    representation: ['symmetric', 'document', 'query'],
    compress_to_size: [128, null],
    normalize: [true, false, null],
    contextual_control_threshold: [0.5, null],
    control_log_additive: [true, null],
    ...tolerated,
  },
  refused: {
    model: model,
    representation: [['both'], [7]],
    compress_to_size: [[127], [129], ['128']],
    normalize: noFlags,
    contextual_control_threshold: [['high']],
    control_log_additive: noFlags,
    hosting: [[7]],
    tags: [['a'], [[1], 'tags[0]']],
  },
} as const;

const tables: readonly FieldTable[] = [
  {
    route: '/embeddings',
    dialect: 'openai',
    valid: { model: 'e', input: 'hi' },
    taken: {
      input: ['', 'hi', ['a', 'b'], [1, 2], [[1], [2, 3]], Array.from({ length: 2048 }, () => 'a')],
      encoding_format: ['float', 'base64', null],
      dimensions: [1, 4, null],
      user: [null],
      ...tolerated,
    },
    refused: {
      model,
      input: [
        [7],
        [{}],
        [[]],
        [[-1], 'input[0]'],
        [[0.5], 'input[0]'],
        [[[]], 'input[0]'],
        [[[1], []], 'input[1]'],
        [Array.from({ length: 2049 }, () => 'a')],
      ],
      encoding_format: [['hex'], [7]],
      dimensions: [[0], [1.5], ['4']],
      user: [['me']],
      hosting: [[7]],
      tags: [['a'], [[1], 'tags[0]']],
    },
    required: ['model', 'input'],
  },
  {
    route: '/semantic_embed',
    dialect: 'pharia',
    valid: { prompt: 'hi', representation: 'query' },
    taken: {
      ...semantic.taken,
      prompt: [
        'hi',
        [
          { type: 'text', data: 'a', controls: [] },
          { type: 'text', data: 'b' },
        ],
        [{ type: 'token_ids', data: [1, 2] }],
      ],
    },
    refused: { ...semantic.refused, prompt: [...prompt, [[]]] },
    required: ['prompt', 'representation'],
  },
  {
    route: '/batch_semantic_embed',
    dialect: 'pharia',
    valid: { prompts: ['hi'], representation: 'query' },
    taken: {
      ...semantic.taken,
      prompts: [['a', [{ type: 'text', data: 'b' }]], Array.from({ length: 100 }, () => 'a')],
    },
    refused: {
      ...semantic.refused,
      prompts: [
        ['hi'],
        [[]],
        [Array.from({ length: 101 }, () => 'a')],
        [[7], 'prompts[0]'],
        [['a', []], 'prompts[1]'],
        [['a', [{ type: 'token_ids', data: [1] }]]],
      ],
    },
    required: ['prompts', 'representation'],
  },
  {
    route: '/rerank',
    dialect: 'pharia',
    valid: { model: 'e', query: 'q', documents: ['a', 'bb'] },
    taken: {
      query: ['q', 'x'.repeat(8192)],
      documents: [['a'], Array.from({ length: 2048 }, () => 'a')],
      top_n: [1, 100, null],
      ...tolerated,
    },
    refused: {
      model,
      query: [...noTexts, [''], ['x'.repeat(8193)]],
      documents: [['a'], [[]], [[7], 'documents[0]'], [Array.from({ length: 2049 }, () => 'a')]],
      top_n: [[0], [1.5], ['1']],
    },
    required: ['model', 'query', 'documents'],
  },
  {
    route: '/tokenize',
    dialect: 'pharia',
    valid: { model: 'e', prompt: 'hi', tokens: true, token_ids: true },
    taken: { prompt: ['', 'hé', 'x'.repeat(50_000)], tokens: [false], token_ids: [false], ...tolerated },
    refused: { model, prompt: noTexts, tokens: noFlags, token_ids: noFlags },
    required: ['model', 'prompt', 'tokens', 'token_ids'],
  },
  {
    route: '/detokenize',
    dialect: 'pharia',
    valid: { model: 'e', token_ids: [1, 2] },
    taken: { token_ids: [[], [0], Array.from({ length: 20_000 }, () => 1)], ...tolerated },
    refused: {
      model,
      token_ids: [['1'], [7], [[-1], 'token_ids[0]'], [[0.5], 'token_ids[0]'], [['1'], 'token_ids[0]']],
    },
    required: ['model', 'token_ids'],
  },
  {
    route: '/embed',
    dialect: 'pharia',
    valid: { model: 'e', prompt: 'hi', layers: [-1], pooling: ['mean'] },
    taken: { layers: [[0, -1]], type: [null], tokens: [true], normalize: [null], ...tolerated },
    refused: {
      model,
      prompt,
      layers: [[[]], [[0.5], 'layers[0]']],
      pooling: [[['middle'], 'pooling[0]'], [[]]],
    },
    required: ['model', 'prompt', 'layers', 'pooling'],
    otherwise: 'MISSING_CAPABILITY',
  },
  {
    route: '/instructable_embed',
    dialect: 'pharia',
    valid: { input: 'hi', instruction: '' },
    taken: { model: [null, 'e'], normalize: [null, true], ...tolerated },
    refused: { model: [[7], ['']], input: [[7]], instruction: noTexts, normalize: noFlags },
    required: ['input', 'instruction'],
    otherwise: 'MISSING_CAPABILITY',
  },
  {
    route: '/explain',
    dialect: 'pharia',
    valid: { model: 'e', prompt: 'hi', target: ' there' },
    taken: {
      control_factor: [0, 0.1],
      control_token_overlap: ['partial', 'complete'],
      postprocessing: ['none', 'absolute', 'square'],
      prompt_granularity: [{ type: 'word' }, { type: 'custom', delimiter: ',' }, null],
      target_granularity: ['complete', 'token'],
      ...tolerated,
    },
    refused: {
      model,
      prompt,
      target: noTexts,
      control_factor: [[-1], ['0']],
      control_token_overlap: [['none']],
      postprocessing: [['cube']],
      prompt_granularity: [['word'], [{ type: 'line' }, 'prompt_granularity.type']],
      target_granularity: [['half']],
    },
    required: ['model', 'prompt', 'target'],
    otherwise: 'MISSING_CAPABILITY',
  },
  {
    route: '/translate',
    dialect: 'pharia',
    valid: { model: 'e', source: 'Guten Tag', target_language: 'en' },
    taken: { target_language: ['de-AT'], ...tolerated },
    refused: { model, source: noTexts, target_language: [['e'], ['x'.repeat(36)], [7]] },
    required: ['model', 'source', 'target_language'],
    otherwise: 'MISSING_CAPABILITY',
  },
  {
    route: '/steering_concepts',
    dialect: 'pharia',
    valid: { examples: [{ negative: 'a', positive: 'b' }] },
    taken: tolerated,
    refused: { examples: [[[]], ['a'], [[{ negative: 'a' }], 'examples[0].positive']] },
    required: ['examples'],
    otherwise: 'MISSING_CAPABILITY',
  },
];

describe('the fields of the routes for texts', () => {
  let engine: FakeVllm;
  let system: System;
  beforeAll(async () => {
    engine = await startFakeVllm({
      model: 'e',
      tasks: ['generate', 'embed', 'score'],
      maxModelLen: 65_536,
      embeddingSize: 256,
    });
    system = await System.start({ engineUrl: engine.url });
    const tasks = ['embedding_task', 'rerank_task'];
    const tables = tasks.map((task) => `[queue.models."e".${task}]\nsupported = true\n`);
    await system.startAdapter('e', workerToml('e', { multimodal: false }) + tables.join(''));
    await system.untilModel('e', 'available');
  }, 60_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });

  it.each(fieldCases(tables))('%s', async (...fieldCase) => judgeCase(system, fieldCase));

  it.each(tables)('$route knows no other model', async ({ route, valid, dialect }) => {
    if (!('model' in valid)) return;
    const answer = await system.fetch(route, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...valid, model: 'nobody' }),
    });
    const body = (await answer.json()) as { code: string; error: unknown };
    expect([answer.status, body.code, typeof body.error]).toEqual([
      404,
      'UNKNOWN_MODEL',
      dialect === 'pharia' ? 'string' : 'object',
    ]);
  });

  it('leaves nothing behind', () => system.untilClean(), 40_000);
});
