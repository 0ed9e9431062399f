import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { FoveaError } from '@fovea/errors';
import { createLogger } from '@fovea/observability';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { createShimTelemetry, type ShimTelemetry } from '../telemetry/shim-telemetry.js';
import { ServedModels } from './served-models.js';
import { createShimServer } from './shim-server.js';
import { choicePieces, ScriptedModel } from './testing/scripted-model.js';

interface Served {
  readonly server: FastifyInstance;
  readonly telemetry: ShimTelemetry;
  readonly shutdown: AbortController;
  post(body: object | string, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  listen(): Promise<number>;
}

const open: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function serve(models: ScriptedModel[], apiKey?: string): Served {
  const telemetry = createShimTelemetry();
  const shutdown = new AbortController();
  const server = createShimServer({
    models: new ServedModels(models),
    telemetry,
    logger: createLogger({ service: 'test', level: 'silent' }),
    version: '9.9.9',
    apiKey,
    shutdown: shutdown.signal,
  });
  open.push(server);
  return {
    server,
    telemetry,
    shutdown,
    post: (body, headers = {}) =>
      server.inject({
        method: 'POST',
        url: '/v1/chat/completions',
        headers: { 'content-type': 'application/json', ...headers },
        payload: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    async listen() {
      const address = await server.listen({ host: '127.0.0.1', port: 0 });
      return Number(new URL(address).port);
    },
  };
}

const messages = [{ role: 'user', content: 'hi' }];
const hello = () => new ScriptedModel('eyes', choicePieces(0, ['Hel', '', 'lo']));
const eventsOf = (body: string): unknown[] =>
  body
    .split('\n\n')
    .filter((line) => line !== '')
    .map((line) => (line === 'data: [DONE]' ? 'DONE' : JSON.parse(line.replace(/^data: /, ''))));

describe('POST /v1/chat/completions', () => {
  it('gives the whole answer with every field of vLLM, nulls included', async () => {
    const response = await serve([hello()]).post({ messages, model: 'eyes' }, { 'x-request-id': 'abc' });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      id: 'chatcmpl-abc',
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'eyes',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: 'Hello',
            refusal: null,
            annotations: null,
            audio: null,
            function_call: null,
            tool_calls: [],
            reasoning: null,
          },
          logprobs: null,
          finish_reason: 'stop',
          stop_reason: null,
          token_ids: null,
          routed_experts: null,
        },
      ],
      service_tier: null,
      system_fingerprint: 'fovea-shim-9.9.9',
      usage: { prompt_tokens: 7, total_tokens: 10, completion_tokens: 3, prompt_tokens_details: null },
      prompt_logprobs: null,
      prompt_token_ids: null,
      prompt_text: null,
      kv_transfer_params: null,
    });
  });

  it('streams a role chunk, the pieces, and [DONE]; the last chunk carries the fingerprint', async () => {
    const response = await serve([hello()]).post({ messages, stream: true, request_id: 'r' });
    expect(response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    const head = {
      id: 'chatcmpl-r',
      object: 'chat.completion.chunk',
      created: expect.any(Number),
      model: 'eyes',
    };
    const delta = (content: string) => ({
      index: 0,
      delta: { content },
      logprobs: null,
      finish_reason: null,
      token_ids: null,
    });
    expect(eventsOf(response.body)).toEqual([
      {
        ...head,
        choices: [
          { index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null },
        ],
        prompt_token_ids: null,
        prompt_text: null,
      },
      { ...head, choices: [delta('Hel')] },
      { ...head, choices: [delta('')] },
      {
        ...head,
        choices: [{ ...delta('lo'), finish_reason: 'stop', stop_reason: null }],
        system_fingerprint: 'fovea-shim-9.9.9',
      },
      'DONE',
    ]);
  });

  it('adds a usage chunk, and usage to every chunk, when asked for', async () => {
    const { post } = serve([hello()]);
    const plain = await post({ messages, stream: true, stream_options: { include_usage: true } });
    const chunks = eventsOf(plain.body);
    expect(chunks.at(-2)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 7, total_tokens: 10, completion_tokens: 3 },
      system_fingerprint: 'fovea-shim-9.9.9',
    });
    expect(chunks.slice(0, -2).every((chunk) => !Object.hasOwn(Object(chunk), 'usage'))).toBe(true);
    const options = { include_usage: true, continuous_usage_stats: true };
    const continuous = eventsOf((await post({ messages, stream: true, stream_options: options })).body);
    const usage = continuous.slice(0, -1).map((chunk) => Object(chunk).usage.completion_tokens);
    expect(usage).toEqual([0, 1, 2, 3, 3]);
  });

  it('gives token ids when asked for, and log probabilities where the model has them', async () => {
    const model = hello();
    const entry = { token: 'x', logprob: -0.5, bytes: [120] };
    model.script = model.script.map((piece) => ({ ...piece, logprobs: [{ ...entry, top: [entry] }] }));
    const { post } = serve([model]);
    const whole = (await post({ messages, return_token_ids: true, logprobs: true, top_logprobs: 1 })).json();
    expect(whole.prompt_token_ids).toEqual([1, 2, 3]);
    expect(whole.choices[0].token_ids).toEqual([100, 101, 102]);
    expect(whole.choices[0].logprobs.content).toHaveLength(3);
    expect(whole.choices[0].logprobs.content[0]).toEqual({ ...entry, top_logprobs: [entry] });
    const [role, first] = eventsOf((await post({ messages, stream: true, return_token_ids: true })).body);
    expect(role).toMatchObject({ prompt_token_ids: [1, 2, 3] });
    expect(first).toMatchObject({ choices: [{ token_ids: [100], logprobs: { content: [{ token: 'x' }] } }] });
  });

  it('keeps interleaved choices apart and counts all of them', async () => {
    const [a, b] = [choicePieces(0, ['a', 'b']), choicePieces(1, ['1', '2', '3'])];
    const model = new ScriptedModel('eyes', [a[0]!, b[0]!, a[1]!, b[1]!, b[2]!]);
    const { post } = serve([model]);
    const whole = (await post({ messages, n: 2 })).json();
    expect(whole.choices.map(({ message }: { message: { content: string } }) => message.content)).toEqual([
      'ab',
      '123',
    ]);
    expect(whole.usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 });
    const chunks = eventsOf((await post({ messages, n: 2, stream: true })).body).slice(0, -1);
    const roles = chunks.map((chunk) => Object(chunk).choices[0].delta.role);
    expect(roles.slice(0, 3)).toEqual(['assistant', 'assistant', undefined]);
    expect(chunks.filter((chunk) => Object(chunk).choices[0].finish_reason === 'stop')).toHaveLength(2);
  });

  it('hands the model decoded images and sampling in its own words', async () => {
    const model = hello();
    const url = `data:image/png;base64,${Buffer.from('pixels').toString('base64')}`;
    await serve([model]).post({
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
      max_tokens: 9,
      max_completion_tokens: 5,
      temperature: null,
      stop: 'x',
      logit_bias: { 12: -3 },
      mm_processor_kwargs: { do_image_splitting: true },
      chat_template_kwargs: { enable_thinking: false, style: 'short', reasoning_effort: 'low' },
      reasoning_effort: 'high',
    });
    const [request] = model.requests;
    expect(request?.sampling).toEqual({ maxTokens: 5, stop: ['x'], logitBias: new Map([[12, -3]]) });
    expect(request?.imageOptions).toEqual({ doImageSplitting: true });
    expect(request?.templateVariables).toEqual({
      enable_thinking: false,
      style: 'short',
      reasoning_effort: 'high',
    });
    expect(request?.messages[0]?.content[0]).toMatchObject({ image: { bytes: Buffer.from('pixels') } });
  });

  it('answers with the first model when none is named, and 404 for one that is not there', async () => {
    const { post } = serve([hello(), new ScriptedModel('other', choicePieces(0, ['x']))]);
    expect((await post({ messages })).json()).toMatchObject({ model: 'eyes' });
    expect((await post({ messages, model: 'other' })).json()).toMatchObject({ model: 'other' });
    const missing = await post({ messages, model: 'nope' });
    expect(missing.statusCode).toBe(404);
    expect(missing.json()).toEqual({
      error: {
        message: 'The model `nope` does not exist.',
        type: 'NotFoundError',
        param: 'model',
        code: 404,
      },
    });
  });

  it('refuses an image for a model without eyes', async () => {
    const { post } = serve([new ScriptedModel('text', choicePieces(0, ['x']), false)]);
    const content = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,QUJD' } }];
    const response = await post({ messages: [{ role: 'user', content }] });
    expect(response.json().error).toMatchObject({
      message: 'text is not a multimodal model.',
      type: 'BadRequestError',
      code: 400,
    });
  });
});

describe('errors', () => {
  it('before the first token have a status of their own, also for a stream', async () => {
    const model = new ScriptedModel('eyes', []);
    const { post } = serve([model]);
    const cases: [FoveaError | Error, number, string][] = [
      [new FoveaError('CONTEXT_LENGTH_EXCEEDED', { param: 'input_tokens' }), 400, 'BadRequestError'],
      [new FoveaError('INVALID_IMAGE'), 400, 'BadRequestError'],
      [new FoveaError('QUEUE_FULL'), 503, 'ServiceUnavailableError'],
      [new Error('cudaMalloc at 10.0.0.7'), 500, 'InternalServerError'],
    ];
    for (const [failure, status, type] of cases) {
      model.failure = failure;
      for (const stream of [true, false]) {
        const response = await post({ messages, stream });
        expect(response.statusCode).toBe(status);
        expect(response.json().error).toMatchObject({ type, code: status });
        expect(response.body).not.toContain('10.0.0.7');
      }
    }
  });

  it('after the first token are the last event of a stream, and a 500 without one', async () => {
    const model = new ScriptedModel('eyes', choicePieces(0, ['a', 'b']).slice(0, 1));
    model.failure = new Error('secret');
    const { post } = serve([model]);
    const events = eventsOf((await post({ messages, stream: true })).body);
    expect(events.slice(-2)).toEqual([
      { error: { message: 'Internal server error', type: 'InternalServerError', param: null, code: 500 } },
      'DONE',
    ]);
    expect((await post({ messages })).statusCode).toBe(500);
  });

  it.each([
    ['no JSON', '{"messages":', 'application/json'],
    ['nothing', '', 'application/json'],
    ['an array', '[]', 'application/json'],
    ['another type', '{"messages":[{"role":"user","content":"hi"}]}', 'text/plain'],
    ['a form', 'messages=hi', 'application/x-www-form-urlencoded'],
    ['a wrong field', '{"messages":[{"role":"user","content":"hi"}],"n":"two"}', 'application/json'],
  ])('of the body are 400 "Bad Request": %s', async (_what, body, type) => {
    const response = await serve([hello()]).post(body, { 'content-type': type });
    expect(response.statusCode).toBe(400);
    expect(response.json().error).toMatchObject({ type: 'Bad Request', code: 400 });
  });

  it.each([
    '{"__proto__":{"n":2,"temperature":-1},"messages":[{"role":"user","content":"hi"}]}',
    '{"messages":[{"__proto__":{"name":"x"},"role":"user","content":"hi"}]}',
    '{"constructor":{"prototype":{"n":2}},"messages":[{"role":"user","content":"hi"}]}',
    '{"\\u005f_proto__":null,"messages":[{"role":"user","content":"hi"}]}',
  ])(
    'of a field that is named like a part of an object there are none, as of any unknown field: %s',
    async (body) => {
      const model = hello();
      const { post } = serve([model]);
      expect((await post(body)).statusCode).toBe(200);
      await post({ messages });
      const [odd, plain] = model.requests;
      expect({ ...odd, requestId: '' }).toEqual({ ...plain, requestId: '' });
    },
  );

  it('of JSON with a charset there are none', async () => {
    const response = await serve([hello()]).post(
      { messages },
      { 'content-type': 'application/json; charset=utf-8' },
    );
    expect(response.statusCode).toBe(200);
  });

  it('of routing have the framework’s bodies', async () => {
    const { server } = serve([hello()]);
    const missing = await server.inject({ url: '/v1/nothing' });
    expect([missing.statusCode, missing.json()]).toEqual([404, { detail: 'Not Found' }]);
    const method = await server.inject({ method: 'GET', url: '/v1/chat/completions' });
    expect([method.statusCode, method.json()]).toEqual([405, { detail: 'Method Not Allowed' }]);
    const broken = await server.inject({ url: '/%zz' });
    expect([broken.statusCode, broken.json()]).toEqual([404, { detail: 'Not Found' }]);
  });
});

describe('a body that is too large', () => {
  it('is refused by its declared length, before a byte of it is read', async () => {
    const { server } = serve([hello()]);
    const response = await server.inject({
      method: 'POST',
      url: '/v1/chat/completions',
      headers: { 'content-type': 'application/json', 'content-length': `${192 * 1024 * 1024 + 1}` },
      payload: '{}',
    });
    expect(response.statusCode).toBe(413);
    expect(response.json().error).toMatchObject({ code: 413 });
  });
});

describe('the key', () => {
  it('guards what is below /v1 and what is no route, and leaves probes, metrics and tokens open', async () => {
    const { server, post } = serve([hello()], 'sk-1');
    for (const url of ['/v1/models', '/v1/nothing']) {
      const response = await server.inject({ url });
      expect([response.statusCode, response.json()]).toEqual([401, { error: 'Unauthorized' }]);
    }
    for (const authorization of ['Bearer sk-2', 'Bearer sk-11', 'Basic sk-1', 'sk-1', 'Bearer ']) {
      expect((await post({ messages }, { authorization })).statusCode).toBe(401);
    }
    expect((await post({ messages }, { authorization: 'bearer sk-1' })).statusCode).toBe(200);
    for (const url of ['/health', '/ping', '/version', '/metrics', '/%68ealth']) {
      expect((await server.inject({ url })).statusCode).toBe(200);
    }
    for (const url of ['/tokenize', '/detokenize']) {
      expect((await server.inject({ method: 'POST', url, payload: {} })).statusCode).toBe(400);
    }
  });

  // A client sends these as they stand, so none goes through a URL parser.
  it.each([
    ['GET', '/%761/models'],
    ['GET', '/v%31/models'],
    ['GET', '/%76%31/%6d%6f%64%65%6c%73?x=/health'],
    ['GET', '/v1%2Fmodels'],
    ['GET', '/v1/models/'],
    ['GET', '/v1/models#/health'],
    ['GET', '/v1/models/eyes/tokenizer'],
    ['GET', '/%761/models/eyes/tokenizer'],
    ['GET', '//v1/models'],
    ['GET', '/v1//models'],
    ['GET', '/health/../v1/models'],
    ['GET', '/V1/models'],
    ['GET', '/nothing'],
    ['GET', 'http://h/v1/models'],
    ['GET', 'https://h/%761/models'],
    ['GET', 'HTTP://h/v1/models'],
    ['GET', 'http://h/health/v1/models'],
    ['HEAD', '/v1/models'],
    ['HEAD', '/%761/models'],
    ['HEAD', 'http://h/v1/models'],
    ['POST', '/%761/chat/completions'],
    ['POST', '/v1/ch%61t/completions'],
    ['POST', 'http://h/v1/chat/completions'],
    ['POST', '/%761/completions'],
    ['POST', '/%761/embeddings'],
    ['POST', '/%761/audio/transcriptions'],
    ['PUT', '/%761/models'],
  ])('is asked for whatever way the target is written: %s %s', async (method, path) => {
    const model = hello();
    const { listen } = serve([model], 'sk-1');
    const request = httpRequest({
      port: await listen(),
      method,
      path,
      headers: { 'content-type': 'application/json' },
    });
    request.end(method === 'POST' ? JSON.stringify({ messages, prompt: 'hi' }) : undefined);
    const [response] = await once(request, 'response');
    response.resume();
    await once(response, 'end');
    expect(response.statusCode).toBe(401);
    expect(model.requests).toEqual([]);
  });
});

describe('the other routes', () => {
  it('list one card per model with its context length', async () => {
    const { server } = serve([hello(), new ScriptedModel('other', [])]);
    const { data, object } = (await server.inject({ url: '/v1/models' })).json();
    expect(object).toBe('list');
    expect(data).toEqual(
      ['eyes', 'other'].map((id) => ({
        id,
        object: 'model',
        created: expect.any(Number),
        owned_by: 'vllm',
        root: id,
        parent: null,
        max_model_len: 128,
        permission: [],
      })),
    );
  });

  it('tell health by the models, with an empty body', async () => {
    const model = hello();
    const { server } = serve([model]);
    for (const [isHealthy, status] of [
      [true, 200],
      [false, 503],
    ] as const) {
      model.isHealthy = isHealthy;
      for (const [method, url] of [
        ['GET', '/health'],
        ['GET', '/ping'],
        ['POST', '/ping'],
      ] as const) {
        const response = await server.inject({ method, url });
        expect([response.statusCode, response.body]).toEqual([status, '']);
      }
    }
  });

  it('tell the version', async () => {
    expect((await serve([]).server.inject({ url: '/version' })).json()).toEqual({ version: '9.9.9' });
  });

  it("tell vLLM's metrics", async () => {
    const model = hello();
    const { server, post } = serve([model]);
    await post({ messages });
    await post({ messages, stream: true });
    model.failure = new Error('x');
    await post({ messages });
    const { body } = await server.inject({ url: '/metrics' });
    const value = (name: string, extra = '') =>
      body
        .split('\n')
        .find((line) => line.startsWith(`vllm:${name}{`) && line.includes(extra))
        ?.split(' ')
        .at(-1);
    expect(value('num_requests_running')).toBe('1');
    expect(value('num_requests_waiting')).toBe('2');
    expect(value('kv_cache_usage_perc')).toBe('0.5');
    expect(value('prompt_tokens_total')).toBe('21');
    expect(value('generation_tokens_total')).toBe('9');
    expect(value('request_success_total', 'finished_reason="stop"')).toBe('3');
    expect(value('request_success_total', 'finished_reason="error"')).toBe('1');
    expect(value('time_to_first_token_seconds_count')).toBe('3');
    expect(value('e2e_request_latency_seconds_count')).toBe('2');
    expect(body).toContain('model_name="eyes"');
  });
});

describe('a client that goes away', () => {
  const aborted = async (telemetry: ShimTelemetry): Promise<boolean> =>
    (await telemetry.registry.metrics()).includes('finished_reason="abort"');

  it.each([true, false])('aborts its request (stream: %s)', async (stream) => {
    const model = hello();
    model.script = model.script.slice(0, 1);
    model.hangs = true;
    const { listen, telemetry } = serve([model]);
    const port = await listen();
    const request = httpRequest({
      port,
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'content-type': 'application/json' },
    });
    request.on('error', () => undefined);
    request.end(JSON.stringify({ messages, stream }));
    if (stream) {
      const [response] = await once(request, 'response');
      await once(response, 'data');
    } else {
      while (model.requests.length === 0) await new Promise(setImmediate);
    }
    request.destroy();
    await model.aborted;
    while (!(await aborted(telemetry))) await new Promise(setImmediate);
  });

  it('does not abort by leaving after the answer', async () => {
    const model = hello();
    const { listen, telemetry } = serve([model]);
    const response = await fetch(`http://127.0.0.1:${await listen()}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({ messages, stream: true }),
    });
    expect(await response.text()).toContain('[DONE]');
    expect(await aborted(telemetry)).toBe(false);
  });

  it('is told of a shutdown that takes too long as an error', async () => {
    const model = hello();
    model.script = model.script.slice(0, 1);
    model.hangs = true;
    const { post, shutdown } = serve([model]);
    const answer = post({ messages, stream: true });
    while (model.requests.length === 0) await new Promise(setImmediate);
    shutdown.abort(new Error('The server is shutting down.'));
    expect(eventsOf((await answer).body).slice(-2)).toMatchObject([{ error: { code: 500 } }, 'DONE']);
  });
});

describe('closing', () => {
  it('waits for no connection that has not sent a request', async () => {
    const { server, listen } = serve([hello()]);
    const port = await listen();
    const accepted = once(server.server, 'connection');
    const silent = connect(port, '127.0.0.1');
    await accepted;
    const ended = once(silent, 'close');
    await server.close();
    await ended;
  });
});
