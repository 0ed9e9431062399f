import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeVllm, startFakeVllm } from '../index.js';
import { asking, imagePart, pngUrl, SpecClient } from '../spec-client.js';

let fake: FakeVllm;
let client: SpecClient;

beforeEach(async () => {
  fake = await startFakeVllm();
  client = new SpecClient(fake);
});

afterEach(() => fake.close());

const user = { role: 'user', content: 'good morning' };
const chat = (body: Record<string, unknown>) =>
  client.json('/v1/chat/completions', { messages: [user], ...body });
const deltas = (chunks: { choices?: { delta: unknown }[] }[]): unknown[] =>
  chunks.flatMap((chunk) => chunk.choices?.map((choice) => choice.delta) ?? []);

describe('stops', () => {
  it('at a token id, which counts but is not shown', async () => {
    const { tokens } = await client.json('/tokenize', { prompt: 'a b c' });
    fake.script({ times: 'always', behaviour: { text: 'a b c' } });
    const cut = await chat({ stop_token_ids: [tokens[1]] });
    expect(cut.choices[0]).toMatchObject({
      message: { content: 'a' },
      finish_reason: 'stop',
      stop_reason: tokens[1],
    });
    expect(cut.usage.completion_tokens).toBe(2);
    const shown = await chat({ stop_token_ids: [tokens[1]], include_stop_str_in_output: true });
    expect(shown.choices[0].message.content).toBe('a b');
  });

  it('at a string, shown when asked', async () => {
    fake.script({ times: 'always', behaviour: { text: 'one two three' } });
    expect((await chat({ stop: 'two' })).choices[0].message.content).toBe('one ');
    const shown = await chat({ stop: 'two', include_stop_str_in_output: true });
    expect(shown.choices[0]).toMatchObject({ message: { content: 'one two' }, stop_reason: 'two' });
  });

  it('at the room the prompt leaves, silently', async () => {
    const small = await startFakeVllm({ maxModelLen: 20 });
    const body = { messages: [user], max_tokens: 20, ignore_eos: true };
    const { choices, usage } = await new SpecClient(small).json('/v1/chat/completions', body);
    expect([choices[0].finish_reason, usage.total_tokens]).toEqual(['length', 20]);
    await small.close();
  });
});

describe('continuing', () => {
  const messages = [user, { role: 'assistant', content: 'Once upon' }];
  const body = { messages, continue_final_message: true, add_generation_prompt: false };

  it('echoes the final message in front, in one piece or in a chunk', async () => {
    fake.script({ times: 'always', behaviour: { tokens: [' a', ' time'] } });
    expect((await chat({ ...body, echo: true })).choices[0].message.content).toBe('Once upon a time');
    expect((await chat(body)).choices[0].message.content).toBe(' a time');
    expect(deltas(await client.chunks({ ...body, echo: true })).slice(0, 3)).toEqual([
      { role: 'assistant', content: '' },
      { content: 'Once upon' },
      { content: ' a' },
    ]);
  });

  it('leaves the last message open, which is one token less', async () => {
    const closed = await client.json('/tokenize', { messages });
    const open = await client.json('/tokenize', body);
    expect(closed.count - open.count).toBe(1);
  });
});

describe('logprobs', () => {
  it('put the sampled token first, and show ids instead of text when asked', async () => {
    fake.script({ times: 'always', behaviour: { tokens: ['é'] } });
    const { choices } = await chat({ logprobs: true, top_logprobs: 3, return_tokens_as_token_ids: false });
    const [entry] = choices[0].logprobs.content;
    expect(entry).toMatchObject({ token: 'é', bytes: [195, 169] });
    expect(entry.top_logprobs.map((each: { token: string }) => each.token)).toEqual(['é', 'é0', 'é1']);
    expect(
      (await chat({ logprobs: true, top_logprobs: 0 })).choices[0].logprobs.content[0].top_logprobs,
    ).toEqual([]);
    const ids = await chat({ logprobs: true, return_tokens_as_token_ids: true });
    expect(ids.choices[0].logprobs.content[0].token).toMatch(/^token_id:\d+$/);
  });

  it('of the prompt start with nothing', async () => {
    const { prompt_logprobs, usage } = await chat({ prompt_logprobs: 1 });
    expect(prompt_logprobs).toHaveLength(usage.prompt_tokens);
    expect(prompt_logprobs[0]).toBeNull();
    expect(Object.values(prompt_logprobs[4])).toMatchObject([{ rank: 1, decoded_token: ' morning' }]);
  });
});

describe('constraints', () => {
  const schema = {
    type: 'object',
    properties: {
      kind: { enum: ['cat', 'dog'] },
      when: { type: 'string', format: 'date' },
      tags: { type: 'array', items: { $ref: '#/$defs/tag' }, minItems: 2 },
      size: { type: 'number', exclusiveMinimum: 3 },
      left: { type: 'string' },
    },
    required: ['kind', 'when', 'tags', 'size'],
    $defs: { tag: { type: 'string', pattern: '^[A-Z]{2}-\\d+$' } },
  };

  it('are met by the smallest answer', async () => {
    const response_format = { type: 'json_schema', json_schema: { name: 's', schema } };
    const { choices } = await chat({ response_format });
    expect(JSON.parse(choices[0].message.content)).toEqual({
      kind: 'cat',
      when: '2026-01-01',
      tags: ['AA-0', 'AA-0'],
      size: 3.5,
    });
    const say = async (structured_outputs: unknown): Promise<string> =>
      (await chat({ structured_outputs })).choices[0].message.content;
    expect(await say({ choice: ['yes', 'no'] })).toBe('yes');
    expect(await say({ regex: '(foo|bar)+\\.\\d{3}x?' })).toBe('foo.000');
    expect(await say({ json_object: true })).toBe('{}');
  });

  it('that no engine can compile are the first event of a stream', async () => {
    const structured_outputs = { regex: '(' };
    expect(await client.chunks({ structured_outputs })).toMatchObject([{ error: { code: 400 } }, 'done']);
    await expect(chat({ structured_outputs })).rejects.toThrow(/^400/);
    const endless = { $ref: '#' };
    await expect(chat({ structured_outputs: { json: endless } })).rejects.toThrow(/too deeply/);
  });
});

describe('further refusals', () => {
  it.each([
    ['prompt_logprobs in a stream', { prompt_logprobs: 1, stream: true }, /prompt_logprobs/],
    ['a schema format without a schema', { response_format: { type: 'json_schema' } }, /json_schema/],
    ['two constraints', { structured_outputs: { regex: 'a', choice: ['a'] } }, /one kind/],
    ['continuing and a new turn at once', { continue_final_message: true }, /Cannot set both/],
    ['a template of its own', { chat_template: 'x' }, /untrusted chat template/],
    ['a biased token nobody knows', { logit_bias: { 999999: 1 } }, /out of vocabulary/],
    ['no allowed token', { allowed_token_ids: [] }, /allowed_token_ids/],
    ['a seed beyond 64 bits', { seed: 1e30 }, /less_than_equal/],
    ['an effort nobody knows', { reasoning_effort: 'some' }, /reasoning_effort/],
    ['a repetition penalty of 0', { repetition_penalty: 0 }, /repetition_penalty/],
    ['too many choices', { n: 16_385 }, /at most 16384/],
    ['truncation below -1', { truncate_prompt_tokens: -2 }, /truncate_prompt_tokens/],
    ['image embeds', asking({ type: 'image_embeds', image_embeds: 'x' }), /enable-mm-embeds/],
    [
      'an image as a bare string with a type',
      asking({ type: 'image_url', image_url: pngUrl }),
      /Bad Request/,
    ],
  ])('%s', async (_name, body, message) => {
    await expect(chat(body)).rejects.toThrow(message);
  });

  it('of a body that is not called JSON', async () => {
    const response = await client.chat({}, { headers: { 'content-type': 'text/plain' } });
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringContaining('Unsupported Media Type'),
    ]);
  });

  it('of a rank that does not exist', async () => {
    const response = await client.chat({}, { headers: { 'x-data-parallel-rank': '1' } });
    expect(response.status).toBe(400);
    expect((await client.chat({}, { headers: { 'x-data-parallel-rank': 'x' } })).status).toBe(200);
  });

  it('but not of parts without a type', async () => {
    const reply = await chat(
      asking({ image_url: pngUrl }, { image_url: { url: pngUrl } }, { image: pngUrl }),
    );
    expect(reply.choices[0].message.content).toContain('3 image(s)');
  });
});

describe('what the engine remembers', () => {
  it('is route, headers, salt and parameters, never the key', async () => {
    const headers = { 'x-request-id': 'r7', traceparent: '00-1-2-01', authorization: 'Bearer secret' };
    await client.chat({ cache_salt: 's', user: 'u' }, { headers });
    const [seen] = fake.requests;
    expect(seen).toMatchObject({
      requestId: 'r7',
      route: '/v1/chat/completions',
      cacheSalt: 's',
      headers: { 'x-request-id': 'r7', traceparent: '00-1-2-01' },
      parameters: { cache_salt: 's', user: 'u' },
    });
    expect(JSON.stringify(seen)).not.toContain('secret');
  });

  it('is the body’s request id when the header names none', async () => {
    expect((await chat({ request_id: 'from-body' })).id).toBe('chatcmpl-from-body');
  });
});

describe('stream forms', () => {
  it('an empty delta in the middle', async () => {
    fake.script({ behaviour: { tokens: ['a', 'b'], emptyDeltaAfter: 0 } });
    expect(deltas(await client.chunks()).slice(1)).toEqual([
      { content: 'a' },
      { content: '' },
      { content: 'b' },
      { content: '' },
    ]);
  });

  it('the last text in the finish chunk', async () => {
    fake.script({ behaviour: { tokens: ['a', 'b'], finishWithText: true } });
    const chunks = await client.chunks();
    expect(chunks.at(-2).choices[0]).toMatchObject({ delta: { content: 'b' }, finish_reason: 'stop' });
    expect(chunks.at(-2).system_fingerprint).toContain('fake');
  });

  it('usage without being asked, when the server forces it', async () => {
    const forced = await startFakeVllm({ forceIncludeUsage: true });
    const chunks = await new SpecClient(forced).chunks();
    expect(chunks.every((chunk) => chunk === 'done' || chunk.usage.prompt_tokens === 6)).toBe(true);
    expect(chunks.at(-2).choices).toEqual([]);
    await forced.close();
  });

  it('a leading error is a plain status without a stream', async () => {
    fake.script({ behaviour: { fault: { kind: 'leading-error', status: 400, message: 'bad', param: 'p' } } });
    const response = await client.chat();
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { message: 'bad', param: 'p' } },
    ]);
  });
});

describe('/tokenize', () => {
  it('counts what usage will count, images included, and leaves the cache alone', async () => {
    const body = asking(imagePart(pngUrl));
    const { count, tokens, max_model_len, token_strs } = await client.json('/tokenize', body);
    expect([tokens.length, max_model_len, token_strs]).toEqual([count, 8192, null]);
    expect((await chat(body)).usage.prompt_tokens).toBe(count);
    expect(fake.requests[0]?.images[0]?.isCached).toBe(false);
  });

  it('is undone by /detokenize', async () => {
    const prompt = 'the quick  brown\nfox ';
    const { tokens, token_strs } = await client.json('/tokenize', { prompt, return_token_strs: true });
    expect(token_strs.join('')).toBe(prompt);
    expect(await client.json('/detokenize', { tokens })).toEqual({ prompt });
  });
});
