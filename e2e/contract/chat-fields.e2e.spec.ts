import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { System } from '../support/system.js';
import { workerToml } from '../support/workers.js';
import { type FieldTable, fieldCases, judgeCase } from './field-cases.js';

const valid = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
const says = (content: unknown, more: object = {}): unknown => [{ role: 'user', content, ...more }];
const tool = (changes: object = {}): unknown => ({
  type: 'function',
  function: { name: 'weather', description: 'of a town', parameters: { type: 'object' }, ...changes },
});
const call = (changes: object = {}): unknown => [
  { role: 'user', content: 'hi' },
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{}' }, ...changes }],
  },
  { role: 'tool', tool_call_id: '1', content: 'done' },
];
const schema = (changes: object = {}): unknown => ({
  type: 'json_schema',
  json_schema: { name: 'answer', schema: { type: 'object' }, ...changes },
});
const flags = [['yes'], [1], [[]]] as const;
const caps = [[0], [-1], [1.5], ['5']] as const;
const penalty = { taken: [-2, 0, 2, null], refused: [[-2.1], [2.1], ['1']] } as const;

const chat: FieldTable = {
  route: '/chat/completions',
  dialect: 'openai',
  valid,
  taken: {
    messages: [
      says(''),
      says(
        [
          { type: 'text', text: 'a' },
          { type: 'text', text: '' },
        ],
        { name: 'x'.repeat(256) },
      ),
      [
        { role: 'system', content: 's' },
        { role: 'developer', content: 'd' },
        { role: 'user', content: 'u' },
      ],
      call(),
    ],
    max_tokens: [1, null],
    maximum_tokens: [1, null],
    max_completion_tokens: [1, null],
    temperature: [0, 2, null],
    top_p: [0, 1, null],
    top_k: [-1, 0, 5, null],
    n: [1, 16, null],
    stop: ['\n', ['a', 'b'], Array.from({ length: 16 }, (_, at) => `${at}`), null],
    frequency_penalty: penalty.taken,
    presence_penalty: penalty.taken,
    logit_bias: [{ 1: -100, 2: 100 }, {}, null],
    logprobs: [true, false, null],
    seed: [0, 42, null],
    stream: [false, null],
    stream_options: [{ include_usage: true }, {}, null],
    response_format: [{ type: 'text' }, schema(), schema({ description: null, strict: null }), null],
    tools: [[], [tool()], [tool({ parameters: null, strict: true })], null],
    tool_choice: ['none', 'auto', null],
    parallel_tool_calls: [true, false, null],
    steering_concepts: [[], null],
    user: ['me', null],
    service_tier: ['auto', null],
    hosting: ['aleph-alpha', null],
    tags: [[], ['a'], null],
    metadata: [{ a: 1 }, null],
    store: [true, null],
  },
  refused: {
    model: [[7], [''], ['x'.repeat(257)], [{}]],
    messages: [
      ['hi'],
      [[]],
      [['hi'], 'messages[0]'],
      [[{ content: 'hi' }], 'messages[0].role'],
      [[{ role: 'boss', content: 'hi' }], 'messages[0].role'],
      [says(7), 'messages[0].content'],
      [says([{ type: 'video' }]), 'messages[0].content[0].type'],
      [says([{ type: 'text' }]), 'messages[0].content[0].text'],
      [says([{ type: 'image_url' }]), 'messages[0].content[0].image_url'],
      [says([{ type: 'image_url', image_url: {} }]), 'messages[0].content[0].image_url.url'],
      [
        says([{ type: 'image_file', image_file: { file_id: '' } }]),
        'messages[0].content[0].image_file.file_id',
      ],
      [says('hi', { name: 'x'.repeat(257) }), 'messages[0].name'],
      [call({ id: '' }), 'messages[1].tool_calls[0].id'],
      [call({ type: 'code' }), 'messages[1].tool_calls[0].type'],
      [call({ function: { name: 'a b', arguments: '' } }), 'messages[1].tool_calls[0].function.name'],
      [call({ function: { name: 'a', arguments: {} } }), 'messages[1].tool_calls[0].function.arguments'],
    ],
    max_tokens: caps,
    maximum_tokens: caps,
    max_completion_tokens: caps,
    temperature: [[-0.1], [2.1], ['hot']],
    top_p: [[-0.1], [1.1], ['all']],
    top_k: [[-2], [1.5], ['5']],
    n: [[0], [17], [1.5], ['1']],
    stop: [[7], [''], [[7], 'stop[0]'], [[''], 'stop[0]'], [Array.from({ length: 17 }, (_, at) => `${at}`)]],
    frequency_penalty: penalty.refused,
    presence_penalty: penalty.refused,
    logit_bias: [[7], [{ a: 1 }, 'logit_bias.a'], [{ 1: 101 }, 'logit_bias.1'], [{ 1: '5' }, 'logit_bias.1']],
    logprobs: flags,
    top_logprobs: [[-1], [21], [1.5], [5]],
    seed: [[0.5], ['1']],
    stream: flags,
    stream_options: [[7], [{ include_usage: 'yes' }, 'stream_options.include_usage']],
    response_format: [
      ['json'],
      [{ type: 'xml' }, 'response_format.type'],
      [{ type: 'json_schema' }, 'response_format.json_schema'],
      [schema({ name: 'a b' }), 'response_format.json_schema.name'],
      [schema({ schema: 7 }), 'response_format.json_schema.schema'],
      [schema({ schema: { type: 'thing' } }), 'response_format.json_schema.schema.type'],
      [schema({ strict: 'yes' }), 'response_format.json_schema.strict'],
    ],
    tools: [
      [7],
      [[{ type: 'web' }], 'tools[0].type'],
      [[tool({ name: 'x'.repeat(65) })], 'tools[0].function.name'],
      [[tool({ parameters: { type: 'thing' } })], 'tools[0].function.parameters.type'],
      [[tool(), tool()], 'tools[1].function.name'],
      [Array.from({ length: 129 }, (_, at) => tool({ name: `f${at}` }))],
    ],
    tool_choice: [['required'], ['some'], [{ type: 'function' }, 'tool_choice.function']],
    parallel_tool_calls: flags,
    steering_concepts: [['a'], [[7], 'steering_concepts[0]']],
    user: [[7]],
    service_tier: [[7]],
    hosting: [[7]],
    tags: [['a'], [[7], 'tags[0]']],
    metadata: [[7]],
    store: flags,
  },
  required: ['model', 'messages'],
};

describe('the fields of a chat', () => {
  let engine: FakeVllm;
  let system: System;
  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'm' });
    system = await System.start({ engineUrl: engine.url });
    const offers = `tools = true\n[queue.models."m"]`;
    const structured = '[generator]\nstructured_output.supported_types = ["json_schema", "json_object"]';
    const toml = workerToml('m').replace('[queue.models."m"]', offers).replace('[generator]', structured);
    await system.startAdapter('m', toml);
    await system.untilModel('m', 'available');
  }, 60_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });

  it.each(fieldCases([chat]))('%s', async (...fieldCase) => judgeCase(system, fieldCase));

  it.each([
    [{ max_tokens: 5, maximum_tokens: 6 }, 'maximum_tokens'],
    [{ max_tokens: 5, max_completion_tokens: 6 }, 'max_completion_tokens'],
    [
      { tools: [tool()], tool_choice: { type: 'function', function: { name: 'other' } } },
      'tool_choice.function.name',
    ],
  ])('refuses what contradicts itself: %j', async (changes, param) => {
    await judgeCase(system, ['', chat, { ...valid, ...changes }, param]);
  });

  it('has no steering', async () => {
    const answer = await system.chat({ ...valid, steering_concepts: ['a'] });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      code: 'MISSING_CAPABILITY',
      error: { param: 'steering_concepts' },
    });
  });

  it('names unknown keys and goes on', async () => {
    const answer = await system.chat({ ...valid, speed: 1, min_p: 0.1, 'naïve key': 2 });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-ignored-params')).toBe('speed, na%C3%AFve%20key');
    await answer.arrayBuffer();
  });

  it('leaves nothing behind', () => system.untilClean(), 60_000);
});
