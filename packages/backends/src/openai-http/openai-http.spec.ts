import { FoveaError } from '@fovea/errors';
import { type FakeVllm, type FakeVllmOptions, startFakeVllm } from '@fovea/fake-vllm';
import type { GenerationEvent } from '@fovea/schemas/events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createTestPng } from '../conformance/test-png.js';
import type { Backend, ChatGeneration } from '../index.js';
import { createOpenAiHttpBackend, type OpenAiHttpBackendOptions } from '../openai-http.js';

describe('openai-http', () => {
  const cleanUp: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const end of cleanUp.splice(0).reverse()) await end();
  });

  async function start(
    options: Partial<OpenAiHttpBackendOptions> = {},
    engine: FakeVllmOptions = {},
  ): Promise<{ fake: FakeVllm; backend: Backend }> {
    const fake = await startFakeVllm(engine);
    const backend = createOpenAiHttpBackend({ baseUrl: fake.url, ...options });
    cleanUp.push(
      () => fake.close(),
      () => backend.close(),
    );
    return { fake, backend };
  }

  const request = (more: Partial<ChatGeneration> = {}): ChatGeneration => ({
    kind: 'chat' as const,
    requestId: '01920000-0000-7000-8000-000000000002',
    model: 'fake-vlm',
    messages: [{ role: 'user', content: 'hello there' }],
    sampling: {},
    ...more,
  });

  async function read(backend: Backend, more: Partial<ChatGeneration> = {}): Promise<GenerationEvent[]> {
    const events: GenerationEvent[] = [];
    for await (const batch of backend.generate(request(more), new AbortController().signal))
      events.push(...batch);
    return events;
  }

  const textOf = (events: readonly GenerationEvent[]): string =>
    events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');

  it('sends its request id, explicit sampling and the stream options, and nothing that was not asked for', async () => {
    const { fake, backend } = await start();
    await read(backend, { sampling: { seed: 3, stop: ['zzz'] }, extensions: { min_p: 0.1 } });
    expect(fake.requests[0]).toMatchObject({ requestId: request().requestId, stream: true });
    expect(fake.requests[0]?.parameters).toEqual({
      model: 'fake-vlm',
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
      temperature: 1,
      top_p: 1,
      top_k: 0,
      min_p: 0.1,
      repetition_penalty: 1,
      seed: 3,
      stop: ['zzz'],
    });
  });

  it('puts running totals on each delta, summed over the choices', async () => {
    const { fake, backend } = await start();
    fake.script({ behaviour: { tokens: ['a', 'b', 'c'], tokensPerDelta: 2 } });
    const events = await read(backend, { sampling: { n: 2 } });
    const totals = events.flatMap((event) =>
      event.type === 'text-delta' ? [event.usage?.completionTokens] : [],
    );
    expect(totals).toEqual([2, 4, 5, 6]);
    expect(events.at(-1)).toMatchObject({
      usage: { completionTokens: 6 },
      systemFingerprint: 'vllm-0.29.0-fake',
    });
  });

  it('keeps token ids when configured, and does not ask for them otherwise', async () => {
    const { fake, backend } = await start({ returnTokenIds: true });
    fake.script({ behaviour: { tokens: ['a', 'b'], tokensPerDelta: 2 } });
    expect(await read(backend)).toContainEqual(
      expect.objectContaining({
        type: 'text-delta',
        text: 'ab',
        tokenIds: [expect.any(Number), expect.any(Number)],
      }),
    );
    const plain = await start();
    expect((await read(plain.backend)).some((event) => 'tokenIds' in event)).toBe(false);
  });

  it('maps logprobs with their alternatives', async () => {
    const { fake, backend } = await start();
    fake.script({ behaviour: { tokens: ['ä'] } });
    const [delta] = await read(backend, { sampling: { logprobs: true, topLogprobs: 2 } });
    expect(delta).toMatchObject({
      type: 'text-delta',
      logprobs: [{ token: 'ä', bytes: [0xc3, 0xa4], top: [{ token: 'ä' }, { token: 'ä0' }] }],
    });
  });

  it.each(['reasoning', 'reasoning_content'] as const)(
    'tells thinking from answering (%s)',
    async (reasoningField) => {
      const { fake, backend } = await start();
      fake.script({ behaviour: { reasoning: 'hm well', text: 'yes', reasoningField } });
      const events = await read(backend);
      expect(events.map((event) => [event.type, 'text' in event ? event.text : ''])).toEqual([
        ['reasoning-delta', 'hm'],
        ['reasoning-delta', ' well'],
        ['text-delta', 'yes'],
        ['choice-end', ''],
        ['generation-end', ''],
      ]);
    },
  );

  it.each([
    ['content_filter', 'content_filter'],
    ['tool_calls', 'tool_calls'],
    ['function_call', 'tool_calls'],
    ['repetition', 'content_filter'],
    ['whatever comes', 'content_filter'],
  ])('maps the finish reason %s to %s', async (finishReason, expected) => {
    const { fake, backend } = await start();
    fake.script({ behaviour: { tokens: ['a'], finishReason } });
    expect(await read(backend)).toContainEqual({ type: 'choice-end', index: 0, finishReason: expected });
  });

  it.each(['abort', 'error'])('takes the finish reason %s for the failure it is', async (finishReason) => {
    const { fake, backend } = await start();
    fake.script({ behaviour: { tokens: ['a'], finishReason } });
    await expect(read(backend)).rejects.toMatchObject({ code: 'BACKEND_ERROR' });
  });

  it.each(['nested', 'flat', 'string', 'detail', 'plain'] as const)(
    'reads an error in %s form, as a status and as the first event',
    async (form) => {
      const { fake, backend } = await start();
      const facts = { status: 400, message: "This model's maximum context length is 99 tokens." };
      const expected = { code: 'CONTEXT_LENGTH_EXCEEDED', limit: { name: 'max_model_len', value: 99 } };
      fake.script({ behaviour: { fault: { kind: 'status', ...facts, form } } });
      await expect(read(backend)).rejects.toMatchObject(expected);
      if (form === 'nested' || form === 'flat') {
        fake.script({ behaviour: { fault: { kind: 'leading-error', ...facts, form } } });
        await expect(read(backend)).rejects.toMatchObject(expected);
      }
    },
  );

  it('can do with an empty error body', async () => {
    const { fake, backend } = await start();
    fake.script({ behaviour: { fault: { kind: 'status', status: 500, message: '', form: 'empty' } } });
    await expect(read(backend)).rejects.toMatchObject({ code: 'BACKEND_ERROR' });
  });

  it.each([
    [429, '7', 7],
    [503, undefined, 1],
    [503, '99999', 600],
    [503, 'soon', 1],
  ])('turns %d with Retry-After %s into QUEUE_FULL for %d s', async (status, retryAfter, retryAfterS) => {
    const { fake, backend } = await start();
    const fault = { kind: 'status' as const, status, message: 'busy', retryAfter };
    fake.script({ behaviour: { fault } });
    await expect(read(backend)).rejects.toMatchObject({ code: 'QUEUE_FULL', retryAfterS });
  });

  it('takes a refused key and a missing route for faults of the deployment', async () => {
    const { fake } = await start({}, { apiKey: 'right' });
    for (const options of [
      { baseUrl: fake.url, apiKey: 'wrong' },
      { baseUrl: `${fake.url}/elsewhere`, apiKey: 'right' },
    ]) {
      const backend = createOpenAiHttpBackend(options);
      cleanUp.push(() => backend.close());
      await expect(read(backend)).rejects.toMatchObject({
        code: 'BACKEND_ERROR',
        message: 'The engine failed to answer.',
      });
    }
  });

  it('gives what came before a late error, then fails without the engine’s words', async () => {
    const { fake, backend } = await start();
    const fault = { kind: 'late-error' as const, afterTokens: 2, message: 'CUDA error at 0x7fffdeadbeef' };
    fake.script({ behaviour: { tokens: ['a', 'b', 'c'], fault } });
    const seen: GenerationEvent[] = [];
    const reading = (async () => {
      for await (const batch of backend.generate(request(), new AbortController().signal))
        seen.push(...batch);
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'BACKEND_ERROR',
      message: 'The engine failed to answer.',
      detail: expect.stringContaining('CUDA'),
    });
    expect(textOf(seen)).toBe('ab');
  });

  it.each([
    ['only [DONE]', { kind: 'only-done' }],
    ['no [DONE]', { kind: 'missing-done' }],
    ['no finish reason', { kind: 'missing-finish' }],
    ['another content type', { kind: 'raw', pieces: ['{"choices":[]}'], contentType: 'application/json' }],
    ['events that are no JSON', { kind: 'raw', pieces: ['data: <html>\n\n'] }],
    ['events of another shape', { kind: 'raw', pieces: ['data: {"choices":[{"index":"x"}]}\n\n'] }],
    [
      'a choice too many',
      { kind: 'raw', pieces: ['data: {"choices":[{"index":1,"delta":{"content":"x"}}]}\n\n'] },
    ],
    ['an empty body', { kind: 'raw', pieces: [] }],
    [
      'no usage',
      { kind: 'raw', pieces: ['data: {"choices":[{"index":0,"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'] },
    ],
  ] as const)('fails on a stream with %s', async (_name, fault) => {
    const { fake, backend } = await start();
    fake.script({
      behaviour: { fault: fault.kind === 'raw' ? { ...fault, pieces: [...fault.pieces] } : fault },
    });
    await expect(read(backend)).rejects.toMatchObject({ code: 'BACKEND_ERROR' });
  });

  it('gives the sound events of a read that also holds the failure', async () => {
    const { fake, backend } = await start();
    const piece = 'data: {"choices":[{"index":0,"delta":{"content":"kept"}}]}\n\ndata: {"error":"gone"}\n\n';
    fake.script({ behaviour: { fault: { kind: 'raw', pieces: [piece] } } });
    const seen: GenerationEvent[] = [];
    const reading = (async () => {
      for await (const batch of backend.generate(request(), new AbortController().signal))
        seen.push(...batch);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'BACKEND_ERROR' });
    expect(textOf(seen)).toBe('kept');
  });

  it('reads old servers: no token_ids keys, comments, CRLF, usage only at the end', async () => {
    const { fake, backend } = await start();
    const chunk = (value: unknown): string => `data:${JSON.stringify(value)}\r\n\r\n`;
    const pieces = [
      ': ping\r\n\r\n',
      chunk({ choices: [{ index: 0, delta: { role: 'assistant' } }] }),
      chunk({ choices: [{ index: 0, delta: { content: 'old' }, finish_reason: 'stop' }], usage: null }),
      chunk({ choices: [], usage: { prompt_tokens: 4, completion_tokens: 1, total_tokens: 5 } }),
      'data: [DONE]\r\n',
    ];
    fake.script({ behaviour: { fault: { kind: 'raw', pieces } } });
    expect(await read(backend)).toEqual([
      { type: 'text-delta', index: 0, text: 'old' },
      { type: 'choice-end', index: 0, finishReason: 'stop' },
      { type: 'generation-end', usage: { promptTokens: 4, completionTokens: 1 } },
    ]);
  });

  it('sends a request again once when the connection is reset before the first byte, images and all', async () => {
    const { fake, backend } = await start();
    fake.script({ behaviour: { fault: { kind: 'crash' } } });
    const image = createTestPng(400, 1);
    const content = [
      { type: 'text' as const, text: 'look' },
      { type: 'image' as const, image },
    ];
    const events = await read(backend, { messages: [{ role: 'user', content }] });
    expect(textOf(events)).toContain(`400x400 ${image.bytes.length} bytes`);
    expect(fake.counters).toMatchObject({ requests: 2, connections: 2 });
  });

  it('ends with what an image’s chunks throw, without a second try', async () => {
    const { backend } = await start();
    let runs = 0;
    const image = {
      ...createTestPng(400, 1),
      async *chunks() {
        runs += 1;
        yield Buffer.alloc(1_000);
        throw new FoveaError('INTERNAL', { detail: 'the blob is gone' });
      },
    };
    const content = [{ type: 'image' as const, image }];
    await expect(read(backend, { messages: [{ role: 'user', content }] })).rejects.toMatchObject({
      code: 'INTERNAL',
      detail: 'the blob is gone',
    });
    expect(runs).toBe(1);
    // The engine is as good as before.
    expect(await read(backend)).not.toEqual([]);
  });

  it('does not try a third time', async () => {
    const { fake, backend } = await start();
    fake.script({ times: 2, behaviour: { fault: { kind: 'crash' } } });
    await expect(read(backend)).rejects.toMatchObject({ code: 'BACKEND_ERROR' });
    expect(fake.counters.requests).toBe(2);
  });

  it('uses a connection again after a complete answer', async () => {
    const { fake, backend } = await start({ connections: 1 });
    await read(backend);
    await read(backend);
    expect(fake.counters).toMatchObject({ requests: 2, connections: 1 });
  });

  it('keeps its health check free of waiting work', async () => {
    const { fake, backend } = await start({ connections: 1 });
    const hold = fake.hold();
    const busy = read(backend);
    await hold.reached();
    const waiting = read(backend);
    await backend.checkHealth(new AbortController().signal);
    hold.release();
    await Promise.all([busy, waiting]);
    expect(fake.counters.connections).toBe(2);
  });

  it('ends a request that takes too long in all', async () => {
    const { fake, backend } = await start({ requestTimeoutMs: 30 });
    fake.script({ behaviour: { fault: { kind: 'hang' } } });
    await expect(read(backend)).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  it('ends an answer that falls silent, but waits as long as it takes for the first piece', async () => {
    const { fake, backend } = await start({ idleTimeoutMs: 300 });
    fake.script({ behaviour: { tokens: ['a', 'b'], ttftMs: 500, fault: { kind: 'hang', afterTokens: 1 } } });
    const seen: GenerationEvent[] = [];
    const reading = (async () => {
      for await (const batch of backend.generate(request(), new AbortController().signal))
        seen.push(...batch);
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'BACKEND_ERROR',
      detail: expect.stringContaining('silent'),
    });
    expect(textOf(seen)).toBe('a');
    await fake.waitFor('aborted');
  });

  it('does not take a slow reader for a silent engine', async () => {
    const { fake, backend } = await start({ idleTimeoutMs: 1_000 });
    fake.script({ behaviour: { tokens: ['a', 'b'] } });
    let text = '';
    for await (const batch of backend.generate(request(), new AbortController().signal)) {
      text += textOf(batch);
      await new Promise((resolve) => setTimeout(resolve, 1_200));
    }
    expect(text).toBe('ab');
  });

  it('takes a base url with or without /v1, and nothing but HTTP', async () => {
    const { fake } = await start();
    const backend = createOpenAiHttpBackend({ baseUrl: `${fake.url}/v1/` });
    cleanUp.push(() => backend.close());
    await backend.checkHealth(new AbortController().signal);
    expect(textOf(await read(backend))).toContain('hello there');
    expect(() => createOpenAiHttpBackend({ baseUrl: 'file:///tmp' })).toThrow(/http/);
  });
});
