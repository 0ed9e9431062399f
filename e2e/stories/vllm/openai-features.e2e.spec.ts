import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import OpenAI from 'openai';
import { keys, System } from '../../support/system.js';
import { workerToml } from '../../support/workers.js';

const cityInput = {
  type: 'object',
  properties: { city: { type: 'string', enum: ['Rome', 'Oslo'] } },
  required: ['city'],
  additionalProperties: false,
};
const tools: OpenAI.ChatCompletionTool[] = [
  { type: 'function', function: { name: 'get_weather', description: 'now', parameters: cityInput } },
];
const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'how is it outside?' }];

/** A worker whose engine was started with a tool parser, structured output, and thinking within the text. */
const inlineToml = (): string =>
  workerToml('inline').replace('version = 1', 'version = 1\nreasoning = "inline"');
const toolsToml = (): string =>
  workerToml('vlm')
    .replace('version = 1', 'version = 1\ntools = true')
    .replace('[queue]', 'structured_output.supported_types = ["json_schema", "json_object"]\n[queue]');

type Thinking = { readonly reasoning_content?: string | null };

describe('what vLLM adds to a chat, through the openai client', () => {
  let engine: FakeVllm;
  let system: System;
  let client: OpenAI;

  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'vlm' });
    system = await System.start({ engineUrl: engine.url });
    await system.startAdapter('vlm', toolsToml());
    await system.startAdapter('inline', inlineToml());
    await system.untilModel('vlm', 'available');
    await system.untilModel('inline', 'available');
    client = new OpenAI({ baseURL: `${system.url}/v1`, apiKey: keys.alpha, maxRetries: 0 });
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });

  const call = { name: 'get_weather', arguments: { city: 'Oslo' } };

  it('calls a tool, and is told what it answered', async () => {
    engine.script({ behaviour: { toolCalls: [call, { ...call, arguments: { city: 'Rome' } }] } });
    const { choices } = await client.chat.completions.create({ model: 'vlm', messages, tools });
    const [choice] = choices;
    expect(choice?.finish_reason).toBe('tool_calls');
    const calls = choice?.message.tool_calls ?? [];
    expect(calls.map((each) => each.type === 'function' && each.function)).toEqual([
      { name: 'get_weather', arguments: expect.stringMatching(/^{"city":\s*"Oslo"}$/) },
      { name: 'get_weather', arguments: expect.stringMatching(/^{"city":\s*"Rome"}$/) },
    ]);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
    if (choice === undefined) throw new Error('no choice');
    const results = calls.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: '12 °C' }));
    engine.script({ behaviour: { text: 'It is cold.' } });
    const last = await client.chat.completions.create({
      model: 'vlm',
      messages: [...messages, choice.message, ...results],
      tools,
    });
    expect(last.choices[0]?.message.content).toBe('It is cold.');
  });

  it('calls a tool in a stream, piece by piece', async () => {
    engine.script({ behaviour: { toolCalls: [call] } });
    const stream = client.chat.completions.stream({ model: 'vlm', messages, tools, tool_choice: 'required' });
    const { choices } = await stream.finalChatCompletion();
    expect(choices[0]?.message.tool_calls).toMatchObject([
      { type: 'function', function: { name: 'get_weather', arguments: expect.stringContaining('Oslo') } },
    ]);
    expect(engine.requests.at(-1)?.parameters).toMatchObject({ tool_choice: 'required' });
  });

  it('refuses tools where the engine was started without a parser', async () => {
    await expect(client.chat.completions.create({ model: 'inline', messages, tools })).rejects.toMatchObject({
      status: 400,
      code: 'MISSING_CAPABILITY',
      param: 'tools',
    });
  });

  it.each([false, true])('keeps to a JSON schema; stream: %s', async (isStream) => {
    const request = {
      model: 'vlm',
      messages,
      response_format: {
        type: 'json_schema' as const,
        json_schema: { name: 'place', schema: cityInput, strict: true },
      },
    };
    const completion = isStream
      ? await client.chat.completions.stream(request).finalChatCompletion()
      : await client.chat.completions.create(request);
    const answer: unknown = JSON.parse(completion.choices[0]?.message.content ?? '');
    expect(answer).toEqual({ city: expect.stringMatching(/^(?:Rome|Oslo)$/) });
    expect(engine.requests.at(-1)?.parameters).toMatchObject({
      response_format: { json_schema: { schema: cityInput } },
    });
  });

  it.each([false, true])('thinks beside the answer; stream: %s', async (isStream) => {
    engine.script({ behaviour: { reasoning: 'let me see', text: 'Yes it is.' } });
    expect(await readThinking('vlm', isStream)).toEqual({ thinking: 'let me see', content: 'Yes it is.' });
  });

  it.each([false, true])(
    'thinks within the answer where the package says so; stream: %s',
    async (isStream) => {
      engine.script({ behaviour: { reasoning: 'let me see', text: 'Yes it is.' } });
      const { thinking, content } = await readThinking('inline', isStream);
      expect(thinking).toBe('');
      expect(content).toMatch(/^<think>\s*let me see\s*<\/think>\s*Yes it is\.$/);
    },
  );

  async function readThinking(
    model: string,
    isStream: boolean,
  ): Promise<{ thinking: string; content: string }> {
    if (!isStream) {
      const { choices } = await client.chat.completions.create({ model, messages });
      const message: (OpenAI.ChatCompletionMessage & Thinking) | undefined = choices[0]?.message;
      return { thinking: message?.reasoning_content ?? '', content: message?.content ?? '' };
    }
    const seen = { thinking: '', content: '' };
    for await (const { choices } of await client.chat.completions.create({ model, messages, stream: true })) {
      const delta: (OpenAI.ChatCompletionChunk.Choice.Delta & Thinking) | undefined = choices[0]?.delta;
      seen.thinking += delta?.reasoning_content ?? '';
      seen.content += delta?.content ?? '';
    }
    return seen;
  }

  it('hands listed extensions on, drops the others and says which', async () => {
    const body = { model: 'vlm', messages, top_k: 7, min_p: 0.1, cache_salt: 'mine', kv_transfer_params: {} };
    const answer = await system.chat(body);
    expect(answer.status).toBe(200);
    await answer.json();
    const ignored = (answer.headers.get('x-ignored-params') ?? '').split(/,\s*/).sort();
    expect(ignored).toEqual(['cache_salt', 'kv_transfer_params']);
    const seen = engine.requests.at(-1);
    expect(seen?.parameters).toMatchObject({ top_k: 7, min_p: 0.1 });
    expect(seen?.parameters).not.toHaveProperty('kv_transfer_params');
    expect(seen?.cacheSalt).not.toBe('mine');
  });

  it('nothing is left behind', () => system.untilClean());
});
