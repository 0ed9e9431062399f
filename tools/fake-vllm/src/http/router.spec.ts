import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type FakeVllm, type FakeVllmOptions, startFakeVllm } from '../index.js';
import { metric, SpecClient } from '../spec-client.js';

const started: FakeVllm[] = [];

async function start(options: FakeVllmOptions = {}): Promise<SpecClient> {
  const fake = await startFakeVllm(options);
  started.push(fake);
  return new SpecClient(fake);
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((fake) => fake.close()));
});

describe('routes', () => {
  it('exist only for what the model can do', async () => {
    const client = await start({ tasks: ['embed'] });
    expect((await client.post('/v1/embeddings', { input: 'x' })).status).toBe(200);
    const chat = await client.chat();
    expect([chat.status, await chat.json()]).toEqual([404, { detail: 'Not Found' }]);
  });

  it('ask for the key under /v1 and /v2 only', async () => {
    const client = await start({ apiKey: 'k' });
    expect((await client.post('/v1/score', { text_1: 'a', text_2: 'b' })).status).toBe(401);
    expect((await client.post('/v2/rerank', { query: 'a', documents: ['b'] })).status).toBe(401);
    expect((await client.post('/score', { text_1: 'a', text_2: 'b' })).status).toBe(200);
    expect((await client.post('/tokenize', { prompt: 'a' })).status).toBe(200);
    expect((await fetch(`${client.fake.url}/metrics`)).status).toBe(200);
  });

  it('list every served name and adapter with its length', async () => {
    const client = await start({ aliases: ['b'], loraModels: ['tuned'], maxModelLen: 77 });
    const { data } = (await (await fetch(`${client.fake.url}/v1/models`)).json()) as {
      data: Record<string, unknown>[];
    };
    expect(data.map(({ id, parent, max_model_len }) => [id, parent, max_model_len])).toEqual([
      ['fake-vlm', null, 77],
      ['b', null, 77],
      ['tuned', 'fake-vlm', null],
    ]);
  });

  it('say how many answers are under way', async () => {
    const client = await start({ trackLoad: true });
    const hold = client.fake.hold();
    const answer = client.chat();
    await hold.reached();
    expect(await (await fetch(`${client.fake.url}/load`)).json()).toEqual({ server_load: 1 });
    hold.release();
    await answer;
    expect(await (await fetch(`${(await start()).fake.url}/load`)).json()).toEqual({ server_load: 0 });
  });

  it('send back the request id when the server is told to', async () => {
    const client = await start({ requestIdHeaders: true });
    const named = await client.chat({}, { headers: { 'x-request-id': 'mine' } });
    expect(named.headers.get('x-request-id')).toBe('mine');
    expect((await client.chat()).headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
    expect((await (await start()).chat()).headers.get('x-request-id')).toBeNull();
  });
});

describe('an idle connection', () => {
  it('is closed by the server without a hint', async () => {
    const client = await start({ keepAliveTimeoutMs: 20 });
    const socket = connect(client.fake.port, '127.0.0.1');
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString();
    });
    socket.write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(socket, 'end');
    expect(text).toMatch(/^HTTP\/1.1 200/);
    expect(text.toLowerCase()).not.toContain('keep-alive:');
    socket.destroy();
  });
});

describe('metrics', () => {
  it('observe phases, lengths and parameters of what ended well', async () => {
    const client = await start();
    client.fake.script({ behaviour: { tokens: ['a', 'b', 'c'] } });
    await client.chat({ max_tokens: 10, n: 1 });
    const text = client.fake.metrics();
    for (const name of [
      'vllm:time_to_first_token_seconds',
      'vllm:e2e_request_latency_seconds',
      'vllm:request_queue_time_seconds',
      'vllm:request_prefill_time_seconds',
      'vllm:request_decode_time_seconds',
      'vllm:request_inference_time_seconds',
      'vllm:request_time_per_output_token_seconds',
    ]) {
      expect([name, metric(text, `${name}_count`)]).toEqual([name, 1]);
    }
    expect(metric(text, 'vllm:inter_token_latency_seconds_count')).toBe(2);
    expect(metric(text, 'vllm:request_generation_tokens_sum')).toBe(3);
    expect(metric(text, 'vllm:request_prompt_tokens_sum')).toBe(6);
    expect(metric(text, 'vllm:request_params_max_tokens_sum')).toBe(10);
    expect(metric(text, 'vllm:request_params_n_sum')).toBe(1);
    expect(metric(text, 'vllm:prompt_tokens_total')).toBe(6);
    expect(metric(text, 'vllm:generation_tokens_total')).toBe(3);
    const scraped = await (await fetch(`${client.fake.url}/metrics`)).text();
    expect(scraped).toContain(
      'http_requests_total{handler="/v1/chat/completions",method="POST",status="2xx"} 1',
    );
  });

  it('show the KV cache by the tokens that run', async () => {
    const client = await start({ kvCacheTokens: 16 });
    const hold = client.fake.hold({ afterTokens: 2 });
    const answer = client.chat();
    await hold.reached();
    expect(metric(client.fake.metrics(), 'vllm:kv_cache_usage_perc')).toBe(0.5);
    hold.release();
    await answer;
    expect(metric(client.fake.metrics(), 'vllm:kv_cache_usage_perc')).toBe(0);
  });
});

describe('load', () => {
  it('slows every token down when slots fill up', async () => {
    const client = await start({ maxRunning: 2, interTokenMs: 1, timeFactorUnderLoad: 3, ttftMs: 1 });
    const replies = await Promise.all([client.chat(), client.chat(), client.chat()]);
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(client.fake.counters).toMatchObject({ running: 0, waiting: 0, requests: 3 });
  });
});
