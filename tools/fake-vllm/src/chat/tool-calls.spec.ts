import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeVllm, startFakeVllm } from '../index.js';
import { SpecClient } from '../spec-client.js';

let fake: FakeVllm;
let client: SpecClient;

beforeEach(async () => {
  fake = await startFakeVllm();
  client = new SpecClient(fake);
});

afterEach(() => fake.close());

const weather = {
  type: 'function',
  function: {
    name: 'weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', minLength: 2 }, days: { type: 'integer', minimum: 1 } },
      required: ['city', 'days'],
    },
  },
};
const chat = (body: Record<string, unknown>) =>
  client.json('/v1/chat/completions', { messages: [{ role: 'user', content: 'hi' }], ...body });

describe('tool calls', () => {
  it('are made by a model that must, with the smallest arguments the schema allows', async () => {
    const { choices } = await chat({ tools: [weather], tool_choice: 'required' });
    expect(choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: '', tool_calls: [{ type: 'function', function: { name: 'weather' } }] },
    });
    const [call] = choices[0].message.tool_calls;
    expect(call.id).toMatch(/^chatcmpl-tool-[0-9a-f]{32}$/);
    expect(JSON.parse(call.function.arguments)).toEqual({ city: 'aa', days: 1 });
  });

  it('end with stop when the function was named', async () => {
    const tool_choice = { type: 'function', function: { name: 'weather' } };
    const { choices } = await chat({ tools: [weather], tool_choice });
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: '' } });
    expect(choices[0].message.tool_calls).toHaveLength(1);
  });

  it('come after text under auto, in pieces, with id and name in the first piece only', async () => {
    fake.script({
      behaviour: {
        text: 'let me see',
        toolCalls: [{ name: 'weather', arguments: { city: 'Ulm', days: 2 } }],
      },
    });
    const chunks = await client.chunks({ tools: [weather] });
    const deltas = chunks.flatMap(
      (chunk) => chunk.choices?.map((choice: { delta: unknown }) => choice.delta) ?? [],
    );
    expect(deltas.slice(1, 4)).toEqual([{ content: 'let' }, { content: ' me' }, { content: ' see' }]);
    const calls = deltas.flatMap((delta) => delta.tool_calls ?? []);
    expect(calls[0]).toEqual({
      index: 0,
      id: expect.stringMatching(/^chatcmpl-tool-/),
      type: 'function',
      function: { name: 'weather', arguments: '' },
    });
    expect(calls.length).toBeGreaterThan(3);
    for (const call of calls.slice(1)) expect(Object.keys(call).sort()).toEqual(['function', 'index']);
    const text = calls.map((call: { function: { arguments: string } }) => call.function.arguments).join('');
    expect(JSON.parse(text)).toEqual({ city: 'Ulm', days: 2 });
    expect(chunks.at(-2).choices[0].finish_reason).toBe('tool_calls');
  });

  it('are several when scripted, unless the request wants one at a time', async () => {
    const toolCalls = [1, 2].map((days) => ({ name: 'weather', arguments: { days } }));
    fake.script({ times: 'always', behaviour: { text: '', toolCalls } });
    const both = await chat({ tools: [weather] });
    expect(both.choices[0].message.tool_calls).toHaveLength(2);
    const one = await chat({ tools: [weather], parallel_tool_calls: false });
    expect(one.choices[0].message.tool_calls).toHaveLength(1);
    const none = await chat({ tools: [weather], tool_choice: 'none' });
    expect(none.choices[0].message.tool_calls).toEqual([]);
  });

  it('have the ids of Kimi or Mistral when asked', async () => {
    const toolCalls = [{ name: 'weather', arguments: '{}' }];
    fake.script({ behaviour: { toolCalls, toolCallIds: 'kimi' } });
    expect((await chat({ tools: [weather] })).choices[0].message.tool_calls[0].id).toBe(
      'functions.weather:0',
    );
    fake.script({ behaviour: { toolCalls, toolCallIds: 'mistral' } });
    expect((await chat({ tools: [weather] })).choices[0].message.tool_calls[0].id).toMatch(/^[0-9a-f]{9}$/);
  });

  it('vanish without an error when max_tokens cuts them', async () => {
    const { choices } = await chat({ tools: [weather], tool_choice: 'required', max_tokens: 2 });
    expect(choices[0]).toMatchObject({ finish_reason: 'length', message: { content: '', tool_calls: [] } });
  });

  it.each([
    ['an empty list', { tools: [] }, /must not be an empty array/],
    ['a choice without tools', { tool_choice: 'auto' }, /`tools` must be set/],
    [
      'an unknown name',
      { tools: [weather], tool_choice: { type: 'function', function: { name: 'x' } } },
      /does not match any/,
    ],
  ])('%s is refused', async (_name, body, message) => {
    await expect(chat(body)).rejects.toThrow(message);
  });

  it('need a parser for auto', async () => {
    const plain = await startFakeVllm({ autoToolChoice: false });
    const body = { messages: [{ role: 'user', content: 'hi' }], tools: [weather] };
    await expect(new SpecClient(plain).json('/v1/chat/completions', body)).rejects.toThrow(
      /enable-auto-tool-choice/,
    );
    await plain.close();
  });
});

describe('reasoning', () => {
  it('streams in front of the answer and can be left out', async () => {
    fake.script({ times: 'always', behaviour: { reasoning: 'hm well', text: 'yes' } });
    const chunks = await client.chunks();
    expect(chunks.slice(1, 4).map((chunk) => chunk.choices[0].delta)).toEqual([
      { reasoning: 'hm' },
      { reasoning: ' well' },
      { content: 'yes' },
    ]);
    const whole = await chat({ include_reasoning: false });
    expect(whole.choices[0].message).toMatchObject({ content: 'yes', reasoning: null });
    expect(whole.usage.completion_tokens).toBe(3);
    const quiet = await client.chunks({ include_reasoning: false });
    expect(JSON.stringify(quiet)).not.toContain('hm');
  });
});
