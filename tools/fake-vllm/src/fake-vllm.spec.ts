import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeVllm, type FakeVllmOptions, startFakeVllm } from './index.js';

/** 3 × 2 pixels, black. */
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAC0lEQVR4nGNgwAQAABQAAX3+Hu4AAAAASUVORK5CYII=';

let fake: FakeVllm;
let others: FakeVllm[] = [];

async function startAnother(options: FakeVllmOptions): Promise<FakeVllm> {
  const another = await startFakeVllm(options);
  others.push(another);
  return another;
}

beforeEach(async () => {
  fake = await startFakeVllm({ maxModelLen: 100 });
});

afterEach(async () => {
  await Promise.all([fake, ...others].map((engine) => engine.close()));
  others = [];
});

function post(body: Record<string, unknown>, signal?: AbortSignal): Promise<Response> {
  return fetch(`${fake.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': 'r1' },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'good morning' }], ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
}

const picture = (url: string): Record<string, unknown> => ({
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'what is it' },
        { type: 'image_url', image_url: { url } },
      ],
    },
  ],
});

async function events(response: Response): Promise<unknown[]> {
  const text = await response.text();
  return text
    .split('\n\n')
    .filter((line) => line !== '')
    .map((line): unknown => (line === 'data: [DONE]' ? 'done' : JSON.parse(line.slice('data: '.length))));
}

const read = (chunks: unknown[], path: (chunk: never) => unknown): unknown[] =>
  chunks.filter((chunk) => chunk !== 'done').map((chunk) => path(chunk as never));

describe('the answer', () => {
  it('has every field vLLM writes out, and says what the engine saw', async () => {
    const response = await post(picture(`data:image/png;base64,${png}`));
    expect(await response.json()).toMatchObject({
      id: 'chatcmpl-r1',
      object: 'chat.completion',
      model: 'fake-vlm',
      choices: [
        {
          message: {
            role: 'assistant',
            content: expect.stringContaining('3x2 68 bytes'),
            tool_calls: [],
            refusal: null,
          },
          finish_reason: 'stop',
          stop_reason: null,
          logprobs: null,
          token_ids: null,
        },
      ],
      usage: { prompt_tokens: expect.any(Number), completion_tokens: expect.any(Number) },
      kv_transfer_params: null,
    });
    expect(fake.requests[0]?.images).toMatchObject([
      { width: 3, height: 2, byteSize: 68, mediaType: 'image/png' },
    ]);
  });

  it('is the same for the same prompt and seed, and another for another seed or choice', async () => {
    const say = async (body: Record<string, unknown>): Promise<string> =>
      JSON.stringify(
        read([await (await post(body)).json()], (reply: { choices: { message: { content: string } }[] }) =>
          reply.choices.map((choice) => choice.message.content),
        ),
      );
    expect(await say({ seed: 1 })).toBe(await say({ seed: 1 }));
    expect(await say({ seed: 1 })).not.toBe(await say({ seed: 2 }));
    const twin = await startAnother({ model: 'twin', maxModelLen: 100 });
    const body = { messages: [{ role: 'user', content: 'good morning' }], seed: 1 };
    const spoken = await (
      await fetch(`${twin.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    ).text();
    expect(spoken).not.toContain(JSON.parse(await say({ seed: 1 }))[0][0]);
    const two = await say({ seed: 1, n: 2 });
    expect(two.split('Seed 1 says')).toHaveLength(3);
  });

  it('ends at a stop string and names it, at max_tokens with length', async () => {
    const stopped = await (await post({ stop: [' You said'] })).json();
    expect(stopped).toMatchObject({
      choices: [{ message: { content: 'I see no image.' }, finish_reason: 'stop', stop_reason: ' You said' }],
    });
    const cut = await (await post({ max_tokens: 2 })).json();
    expect(cut).toMatchObject({ choices: [{ message: { content: 'I see' }, finish_reason: 'length' }] });
    const full = await (await post({ max_tokens: 60, ignore_eos: true })).json();
    expect(full).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 60 } });
  });
});

describe('the stream', () => {
  it('goes role chunk, deltas, finish, usage, [DONE], and has usage in the usage chunk only', async () => {
    fake.script({ behaviour: { tokens: ['a', 'b'] } });
    const chunks = await events(await post({ stream: true, stream_options: { include_usage: true } }));
    expect(
      read(chunks, (c: { choices: { delta: unknown; finish_reason: unknown }[] }) =>
        c.choices.map((x) => x.delta),
      ),
    ).toEqual([
      [{ role: 'assistant', content: '' }],
      [{ content: 'a' }],
      [{ content: 'b' }],
      [{ content: '' }],
      [],
    ]);
    expect(read(chunks, (c: object) => 'usage' in c)).toEqual([false, false, false, false, true]);
    expect(chunks.at(-1)).toBe('done');
  });

  it('puts running usage and token ids on every chunk when asked', async () => {
    fake.script({ behaviour: { tokens: ['a', 'b', 'c'], tokensPerDelta: 2 } });
    const options = { include_usage: true, continuous_usage_stats: true };
    const chunks = await events(
      await post({ stream: true, stream_options: options, return_token_ids: true }),
    );
    expect(read(chunks, (c: { usage: { completion_tokens: number } }) => c.usage.completion_tokens)).toEqual([
      0, 2, 3, 3, 3,
    ]);
    expect(
      read(chunks, (c: { choices: { token_ids?: number[] }[] }) => c.choices[0]?.token_ids?.length),
    ).toEqual([undefined, 2, 1, 0, undefined]);
  });

  it('interleaves choices and finishes each of them', async () => {
    const chunks = await events(await post({ stream: true, n: 2, max_tokens: 2 }));
    expect(
      read(chunks, (c: { choices: { index: number; finish_reason: unknown }[] }) =>
        c.choices.map((x) => [x.index, x.finish_reason]),
      ),
    ).toEqual([[[0, null]], [[1, null]], [[0, null]], [[1, null]], [[0, 'length']], [[1, 'length']]]);
  });

  it('sends nothing, not even the role, before the first token', async () => {
    const hold = fake.hold();
    const response = await post({ stream: true });
    await hold.reached();
    expect(response.status).toBe(200);
    const reader = response.body?.getReader();
    const first = reader?.read();
    const winner = await Promise.race([first, new Promise((resolve) => setImmediate(resolve, 'silence'))]);
    expect(winner).toBe('silence');
    hold.release();
    expect((await first)?.done).toBe(false);
    await reader?.cancel();
  });
});

describe('refusals', () => {
  it.each([
    ['broken JSON fields', { messages: 3 }, 400, 'Bad Request', /'loc': \('body', 'messages'\)/],
    ['an unknown model', { model: 'other' }, 404, 'NotFoundError', /does not exist/],
    ['stream_options without stream', { stream_options: {} }, 400, 'BadRequestError', /Stream options/],
    ['top_logprobs without logprobs', { top_logprobs: 2 }, 400, 'BadRequestError', /logprobs/],
    ['top_p 0', { top_p: 0 }, 400, 'BadRequestError', /\(0, 1\]/],
    ['n > 1 and temperature 0', { n: 2, temperature: 0 }, 400, 'BadRequestError', /greedy/],
    ['an empty stop', { stop: [''] }, 400, 'BadRequestError', /empty string/],
    ['too much output', { max_tokens: 101 }, 400, 'BadRequestError', /maximum context length is 100/],
    [
      'too much text',
      { messages: [{ role: 'user', content: 'a '.repeat(100) }] },
      400,
      'BadRequestError',
      /maximum context length is 100 tokens/,
    ],
    ['an http image', picture('http://x/y.png'), 500, 'InternalServerError', /./],
    ['no base64 marker', picture(`data:image/png,${png}`), 400, 'BadRequestError', /./],
    ['a charset', picture(`data:image/png;charset=x;base64,${png}`), 501, 'NotImplementedError', /./],
    ['white space in base64', picture(`data:image/png;base64, ${png}`), 400, 'BadRequestError', /load image/],
    ['URL-safe base64', picture('data:image/png;base64,_-__'), 400, 'BadRequestError', /load image/],
    [
      'bytes that are no image',
      picture('data:image/png;base64,aGVsbG8h'),
      400,
      'BadRequestError',
      /load image/,
    ],
    [
      'a part of another kind',
      { messages: [{ role: 'user', content: [{ type: 'video_url', video_url: {} }] }] },
      400,
      'BadRequestError',
      /Unsupported chat content part type/,
    ],
  ])('%s gets vLLM’s error', async (_name, body, status, type, message) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringMatching(message), type, code: status },
    });
    expect(fake.counters).toMatchObject({ requests: 0, refused: 1, running: 0 });
  });

  it('refuses images on a text-only model, and a wrong key', async () => {
    const textOnly = await startAnother({ multimodal: false, apiKey: 'k' });
    const send = (authorization: string): Promise<Response> =>
      fetch(`${textOnly.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization },
        body: JSON.stringify(picture(`data:image/png;base64,${png}`)),
      });
    const wrongKey = await send('Bearer x');
    expect([wrongKey.status, await wrongKey.json()]).toEqual([401, { error: 'Unauthorized' }]);
    const image = await send('Bearer k');
    expect([image.status, await image.text()]).toEqual([
      400,
      expect.stringContaining('not a multimodal model'),
    ]);
  });

  it('reports what only the engine can check as the first event of a stream', async () => {
    const chunks = await events(await post({ stream: true, logprobs: true, top_logprobs: 21 }));
    expect(chunks).toMatchObject([{ error: { code: 400, type: 'BadRequestError' } }, 'done']);
  });

  it('answers routes it lacks like FastAPI', async () => {
    const missing = await fetch(`${fake.url}/v1/nothing`);
    expect([missing.status, await missing.json()]).toEqual([404, { detail: 'Not Found' }]);
    const method = await fetch(`${fake.url}/v1/models`, { method: 'POST' });
    expect([method.status, await method.json()]).toEqual([405, { detail: 'Method Not Allowed' }]);
  });
});

describe('scripts', () => {
  it.each([
    ['nested', '{"error":{"message":"m","type":"BadRequestError","param":null,"code":422}}'],
    ['flat', '{"object":"error","message":"m","type":"BadRequestError","param":null,"code":422}'],
    ['string', '{"error":"m"}'],
    ['detail', '{"detail":"m"}'],
    ['plain', 'm'],
    ['empty', ''],
  ] as const)('answers an error in %s form', async (form, body) => {
    fake.script({ behaviour: { fault: { kind: 'status', status: 422, message: 'm', form } } });
    const response = await post({});
    expect([response.status, await response.text()]).toEqual([422, body]);
  });

  it('are used once, in order, by the requests they match', async () => {
    fake.script({ match: 'morning', behaviour: { text: 'one' } });
    fake.script({ match: /evening/, behaviour: { text: 'other' } });
    fake.script({ match: 'morning', behaviour: { text: 'two' } });
    const said: string[] = [];
    for (let round = 0; round < 3; round += 1) said.push(await (await post({})).text());
    expect(said[0]).toContain('"content":"one"');
    expect(said[1]).toContain('"content":"two"');
    expect(said[2]).toContain('You said: good morning');
  });

  it('drops the connection after exactly the scripted tokens', async () => {
    fake.script({ behaviour: { tokens: ['a', 'b', 'c'], fault: { kind: 'crash', afterTokens: 2 } } });
    const response = await post({ stream: true });
    let text = '';
    await expect(
      (async () => {
        for await (const piece of response.body ?? []) text += Buffer.from(piece).toString();
      })(),
    ).rejects.toThrow();
    expect(text.match(/"content":"[abc]"/g)).toEqual(['"content":"a"', '"content":"b"']);
    expect(fake.counters.finished).toMatchObject({ error: 1, abort: 0 });
  });

  it('ends a stream with vLLM’s late error, without a finish', async () => {
    fake.script({ behaviour: { tokens: ['a', 'b'], fault: { kind: 'late-error', afterTokens: 1 } } });
    const chunks = await events(await post({ stream: true }));
    expect(chunks.slice(-2)).toMatchObject([{ error: { code: 500 } }, 'done']);
    expect(JSON.stringify(chunks)).not.toContain('"finish_reason":"stop"');
  });

  it('leaves out the finish, the [DONE], or everything but the [DONE]', async () => {
    fake.script({ behaviour: { fault: { kind: 'only-done' } } });
    expect(await events(await post({ stream: true }))).toEqual(['done']);
    fake.script({ behaviour: { fault: { kind: 'missing-done' } } });
    expect((await events(await post({ stream: true }))).at(-1)).not.toBe('done');
    fake.script({ behaviour: { fault: { kind: 'missing-finish' } } });
    const finishes = read(
      await events(await post({ stream: true })),
      (c: { choices: { finish_reason: unknown }[] }) =>
        c.choices.every((choice) => choice.finish_reason === null),
    );
    expect(finishes.every(Boolean)).toBe(true);
  });
});

describe('load', () => {
  it('queues what has no slot and refuses what can’t wait either', async () => {
    const small = await startAnother({ maxRunning: 1, maxWaiting: 1 });
    const send = (text: string): Promise<Response> =>
      fetch(`${small.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ messages: [{ role: 'user', content: text }] }),
      });
    const hold = small.hold({ match: 'first' });
    const first = send('first');
    await hold.reached();
    const second = send('second');
    await small.waitFor('queued', { text: 'second' });
    expect(small.counters).toMatchObject({ running: 1, waiting: 1 });
    expect((await send('third')).status).toBe(503);
    const metrics = await (await fetch(`${small.url}/metrics`)).text();
    expect(metrics).toMatch(/vllm:num_requests_waiting\{.*\} 1/);
    hold.release();
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
  });

  it.each([
    ['before the headers', { kind: 'hang' } as const, false],
    ['in a stream', { kind: 'hang', afterTokens: 1 } as const, true],
    ['in an unstreamed answer', { kind: 'hang', afterTokens: 1 } as const, false],
  ])('counts an abort when the client leaves %s, and frees the slot', async (_name, fault, stream) => {
    fake.script({ behaviour: { fault } });
    const controller = new AbortController();
    const answer = post({ stream }, controller.signal).then((response) => response.text());
    await fake.waitFor('request');
    controller.abort();
    await expect(answer).rejects.toThrow();
    await fake.waitFor('aborted', { requestId: 'r1' });
    expect(fake.counters).toMatchObject({ aborted: 1, running: 0 });
    const metrics = await (await fetch(`${fake.url}/metrics`)).text();
    expect(metrics).toMatch(/request_success_total\{finished_reason="abort".*\} 1/);
  });
});

describe('the admin routes', () => {
  it('script, hold, wait and release from another process', async () => {
    const admin = (path: string, body: unknown): Promise<Response> =>
      fetch(`${fake.url}/_fake/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    await admin('script', { behaviour: { text: 'scripted', hold: { afterTokens: 0, gate: 'g' } } });
    const answer = post({});
    const held = await fetch(`${fake.url}/_fake/wait?event=held&gate=g`);
    expect(await held.json()).toMatchObject({ event: 'held', requestId: 'r1', gate: 'g' });
    await admin('release', { gate: 'g' });
    expect(await (await answer).text()).toContain('"content":"scripted"');
    await admin('health', { healthy: false });
    expect((await fetch(`${fake.url}/health`)).status).toBe(503);
    expect((await admin('script', { behaviour: { fault: { kind: 'nonsense' } } })).status).toBe(400);
  });
});
