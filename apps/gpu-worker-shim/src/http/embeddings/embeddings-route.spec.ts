import { request as httpRequest } from 'node:http';
import { FoveaError } from '@fovea/errors';
import { createLogger } from '@fovea/observability';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import type { ServedModel } from '../../models/model-family.js';
import { createShimTelemetry, type ShimTelemetry } from '../../telemetry/shim-telemetry.js';
import { ServedModels } from '../served-models.js';
import { createShimServer } from '../shim-server.js';
import { ScriptedEmbeddingModel } from '../testing/scripted-embedding-model.js';
import { choicePieces, ScriptedModel } from '../testing/scripted-model.js';

describe('POST /v1/embeddings', () => {
  let model: ScriptedEmbeddingModel;
  let telemetry: ShimTelemetry;
  let server: FastifyInstance;
  const serve = (models: readonly ServedModel[]) => {
    telemetry = createShimTelemetry();
    server = createShimServer({
      models: new ServedModels(models),
      telemetry,
      logger: createLogger({ service: 'test', level: 'silent' }),
      version: '9.9.9',
      apiKey: undefined,
      shutdown: new AbortController().signal,
    });
  };
  beforeEach(() => {
    model = new ScriptedEmbeddingModel('words');
    serve([new ScriptedModel('eyes', choicePieces(0, ['Hi'])), model]);
  });
  afterEach(() => server.close());

  const post = (payload: object, headers: Record<string, string> = {}) =>
    server.inject({ method: 'POST', url: '/v1/embeddings', headers, payload });
  const floats = (base64: string): number[] => {
    const bytes = Buffer.from(base64, 'base64');
    return [bytes.readFloatLE(0), bytes.readFloatLE(4)];
  };

  it('gives the whole answer with every field of vLLM', async () => {
    const response = await post({ model: 'words', input: ['abc', ''] }, { 'x-request-id': 'abc' });
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(response.json()).toEqual({
      id: 'embd-abc',
      object: 'list',
      created: expect.any(Number),
      model: 'words',
      data: [
        { index: 0, object: 'embedding', embedding: [3, -0.5] },
        { index: 1, object: 'embedding', embedding: [0, -0.5] },
      ],
      usage: { prompt_tokens: 3, total_tokens: 3, completion_tokens: 0, prompt_tokens_details: null },
    });
  });

  it.each<[string, unknown, unknown]>([
    ['a text', 'abc', ['abc']],
    ['texts', ['abc', 'd'], ['abc', 'd']],
    ['token ids', [1, 2, 3], [[1, 2, 3]]],
    ['lists of token ids', [[1, 2], [3]], [[1, 2], [3]]],
  ])('takes %s', async (_form, input, inputs) => {
    expect((await post({ input })).statusCode).toBe(200);
    expect(model.requests).toEqual([{ inputs, addSpecialTokens: true }]);
  });

  it('writes vectors as base64 when asked, in either order of bytes', async () => {
    const vector = async (more: object) => {
      const response = await post({ input: 'abc', encoding_format: 'base64', ...more });
      return response.json().data[0].embedding;
    };
    expect(floats(await vector({}))).toEqual([3, -0.5]);
    expect(floats(await vector({ endianness: 'little', embed_dtype: 'float32' }))).toEqual([3, -0.5]);
    expect(Buffer.from(await vector({ endianness: 'big' }), 'base64').readFloatBE(0)).toBe(3);
  });

  it('hands on dimensions, truncation and special tokens', async () => {
    const fields = { dimensions: 8, truncate_prompt_tokens: -1, add_special_tokens: false };
    await post({ input: 'a', ...fields });
    await post({ input: 'a', truncate_prompt_tokens: 5, truncation_side: 'left', dimensions: null });
    expect(model.requests).toEqual([
      { inputs: ['a'], addSpecialTokens: false, dimensions: 8, truncation: { maxTokens: 64 } },
      { inputs: ['a'], addSpecialTokens: true, truncation: { maxTokens: 5, side: 'left' } },
    ]);
  });

  it('writes thousands of vectors whole', async () => {
    const input = Array.from({ length: 2048 }, (_, at) => 'x'.repeat(at % 7));
    const { data } = (await post({ input })).json();
    expect(data).toHaveLength(2048);
    expect(data[2047]).toEqual({ index: 2047, object: 'embedding', embedding: [2047 % 7, -0.5] });
  });

  it.each<[object, string | null, string]>([
    [{}, 'input', 'must be a string, strings'],
    [{ input: 7 }, 'input', 'must be a string, strings'],
    [{ input: {} }, 'input', 'must be a string, strings'],
    [{ input: [] }, 'input', 'must not be empty'],
    [{ input: ['a', 1] }, 'input[1]', 'must be a string'],
    [{ input: [1, 'a'] }, 'input[1]', 'must be a token id'],
    [{ input: [1, -1] }, 'input[1]', 'must be a token id'],
    [{ input: [1.5] }, 'input[0]', 'must be a token id'],
    [{ input: [[1], []] }, 'input[1]', 'must not be empty'],
    [{ input: [[1], 'a'] }, 'input[1]', 'must be a list of token ids'],
    [{ input: [null] }, 'input[0]', 'must be a list of token ids'],
    [{ input: [[1, null]] }, 'input[0][1]', 'must be a token id'],
    [{ input: Array.from({ length: 2049 }, () => 'a') }, 'input', 'at most 2048 inputs, has 2049'],
    [{ messages: [{ role: 'user', content: 'a' }] }, 'messages', 'no chat template'],
    [{ input: 'a', encoding_format: 'bytes' }, 'encoding_format', 'float or base64'],
    [{ input: 'a', embed_dtype: 'float16' }, 'embed_dtype', 'must be float32'],
    [{ input: 'a', dimensions: 0 }, 'dimensions', 'at least 1'],
    [{ input: 'a', dimensions: 1.5 }, 'dimensions', 'must be an integer'],
    [{ input: 'a', truncate_prompt_tokens: -2 }, 'truncate_prompt_tokens', 'at least -1'],
    [{ input: 'a', use_activation: false }, 'use_activation', 'must be true'],
    [[], null, 'must be a JSON object'],
  ])('refuses %j', async (body, param, message) => {
    const response = await post(body);
    expect(response.statusCode).toBe(400);
    const text = expect.stringContaining(message);
    expect(response.json()).toEqual({ error: { type: 'Bad Request', code: 400, param, message: text } });
    expect(model.requests).toEqual([]);
  });

  it('refuses models that cannot, as the chat route does the other way round', async () => {
    const refused = { type: 'BadRequestError', code: 400, param: 'model' };
    const message = (api: string) => `The model does not support ${api} API.`;
    expect((await post({ input: 'a', model: 'eyes' })).json()).toEqual({
      error: { ...refused, message: message('Embeddings') },
    });
    const chat = { model: 'words', messages: [{ role: 'user', content: 'a' }] };
    const response = await server.inject({ method: 'POST', url: '/v1/chat/completions', payload: chat });
    expect(response.json()).toEqual({ error: { ...refused, message: message('Chat Completions') } });
    expect((await post({ input: 'a', model: 'none' })).statusCode).toBe(404);
  });

  it('answers with the first model that can when none is named, and lists all of them', async () => {
    expect((await post({ input: 'a' })).json().model).toBe('words');
    const { data } = (await server.inject({ url: '/v1/models' })).json();
    expect(data).toMatchObject([{ id: 'eyes' }, { id: 'words', max_model_len: 64 }]);
  });

  it.each([
    [
      'a full queue',
      new FoveaError('QUEUE_FULL', { message: 'Full.' }),
      503,
      'ServiceUnavailableError',
      'Full.',
    ],
    [
      'a long text',
      new FoveaError('CONTEXT_LENGTH_EXCEEDED', { message: 'Long.' }),
      400,
      'BadRequestError',
      'Long.',
    ],
    ['a failure', new Error('secret'), 500, 'InternalServerError', 'Internal server error'],
  ])('tells of %s', async (_what, failure, code, type, message) => {
    model.failure = failure;
    const response = await post({ input: 'a' });
    expect(response.statusCode).toBe(code);
    expect(response.json()).toEqual({ error: { message, type, code, param: null } });
  });

  it('counts tokens, ends and what runs', async () => {
    await post({ input: ['abc', 'de'] });
    model.failure = new Error('x');
    await post({ input: 'a' });
    const { body } = await server.inject({ url: '/metrics' });
    const value = (name: string, extra = '') =>
      body
        .split('\n')
        .find((line) => line.startsWith(`vllm:${name}{`) && line.includes('"words"') && line.includes(extra))
        ?.split(' ')
        .at(-1);
    expect(value('prompt_tokens_total')).toBe('5');
    expect(value('request_success_total', 'finished_reason="stop"')).toBe('1');
    expect(value('request_success_total', 'finished_reason="error"')).toBe('1');
    expect(value('e2e_request_latency_seconds_count')).toBe('1');
    expect(value('num_requests_running')).toBe('3');
    expect(value('num_requests_waiting')).toBe('4');
  });

  it('aborts when the client goes away', async () => {
    model.hangs = true;
    const port = Number(new URL(await server.listen({ host: '127.0.0.1', port: 0 })).port);
    const headers = { 'content-type': 'application/json' };
    const request = httpRequest({ port, method: 'POST', path: '/v1/embeddings', headers });
    request.on('error', () => undefined);
    request.end(JSON.stringify({ input: 'a' }));
    await model.asked;
    request.destroy();
    const aborted = async () => (await telemetry.registry.metrics()).includes('finished_reason="abort"');
    for (let turn = 0; turn < 1000 && !(await aborted()); turn += 1) await new Promise(setImmediate);
    expect(await aborted()).toBe(true);
  });
});
