import { afterEach, describe, expect, it } from '@jest/globals';
import { type DialectName, type FakeVllm, type FakeVllmOptions, startFakeVllm } from './index.js';
import { asking, imagePart, metric, pngUrl, SpecClient } from './spec-client.js';

const started: FakeVllm[] = [];

async function start(dialect: DialectName, options: FakeVllmOptions = {}): Promise<SpecClient> {
  const fake = await startFakeVllm({ ...options, dialect });
  started.push(fake);
  return new SpecClient(fake);
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((fake) => fake.close()));
});

describe('vLLM 0.10', () => {
  it('writes errors flat, and None after those of preprocessing', async () => {
    const client = await start('0.10', { maxModelLen: 10 });
    expect(await (await client.chat({ model: 'x' })).json()).toMatchObject({
      object: 'error',
      type: 'NotFoundError',
      code: 404,
    });
    const long = await client.chat({ messages: [{ role: 'user', content: 'w '.repeat(20) }], max_tokens: 3 });
    expect(await long.json()).toMatchObject({
      message: expect.stringMatching(/28 tokens \(25 in the messages, 3 in the completion\).* None$/),
    });
    const chunks = await client.chunks({ logprobs: true, top_logprobs: 21 });
    expect(chunks[0]).toMatchObject({ object: 'error', code: 400 });
  });

  it('dies plainly of an image it can’t decode, and says 501 to other parts', async () => {
    const client = await start('0.10');
    const broken = await client.chat(asking(imagePart('data:image/png;base64,aGVsbG8h')));
    expect([broken.status, await broken.text()]).toEqual([500, 'Internal Server Error']);
    expect((await client.chat(asking({ type: 'hologram' }))).status).toBe(501);
  });

  it('has the old field and metric names, no token ids, no fingerprint', async () => {
    const client = await start('0.10', { aliases: ['other'] });
    client.fake.script({ behaviour: { reasoning: 'hm', text: 'yes' } });
    const reply = await client.json('/v1/chat/completions', {
      model: 'other',
      messages: [{ role: 'user', content: 'x' }],
      return_token_ids: true,
    });
    expect(reply).toMatchObject({ model: 'other', system_fingerprint: null });
    expect(reply.choices[0].message).toMatchObject({ reasoning_content: 'hm' });
    expect(JSON.stringify(reply)).not.toContain('token_ids');
    const metrics = client.fake.metrics();
    expect(metric(metrics, 'vllm:gpu_cache_usage_perc')).toBe(0);
    expect(metric(metrics, 'vllm:gpu_prefix_cache_queries_total')).toBeGreaterThan(0);
    expect(metrics).toContain('vllm:time_per_output_token_seconds_bucket');
    expect(metrics).not.toContain('vllm:kv_cache_usage_perc');
    expect(metrics).not.toContain('inter_token_latency');
  });

  it('follows guided_json and ignores structured_outputs; later releases do the opposite', async () => {
    const old = await start('0.10');
    const now = await start('0.29');
    const json = { type: 'object', properties: { a: { type: 'boolean' } }, required: ['a'] };
    const say = async (client: SpecClient, body: Record<string, unknown>): Promise<string> =>
      (await client.json('/v1/chat/completions', { messages: [{ role: 'user', content: 'x' }], ...body }))
        .choices[0].message.content;
    expect(await say(old, { guided_json: json })).toBe('{"a":false}');
    expect(await say(old, { structured_outputs: { json } })).toContain('You said');
    expect(await say(now, { structured_outputs: { json } })).toBe('{"a":false}');
    expect(await say(now, { guided_json: json })).toContain('You said');
  });

  it('counts an image as one token in /tokenize', async () => {
    const body = asking(imagePart(pngUrl));
    const old = await (await start('0.10')).json('/tokenize', body);
    const now = await (await start('0.29')).json('/tokenize', body);
    expect(now.count - old.count).toBe(5);
  });

  it('bounds neither its queue nor n', async () => {
    const client = await start('0.10', { maxRunning: 1, maxWaiting: 0 });
    const hold = client.fake.hold();
    const first = client.chat();
    await hold.reached();
    const second = client.chat();
    await client.fake.waitFor('queued');
    hold.release();
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
  });
});

describe('later releases', () => {
  it('answer with the first served name, whatever alias was asked for', async () => {
    const client = await start('0.22', { aliases: ['other'], loraModels: ['tuned'] });
    const ask = (model: string) =>
      client.json('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'x' }] });
    expect((await ask('other')).model).toBe('fake-vlm');
    expect((await ask('tuned')).model).toBe('tuned');
  });

  it('never claim to be vLLM', async () => {
    const client = await start('0.22');
    const { version } = (await (await fetch(`${client.fake.url}/version`)).json()) as { version: string };
    expect(version).toBe('0.22.0+fake');
    const reply = await client.json('/v1/chat/completions', { messages: [{ role: 'user', content: 'x' }] });
    expect(reply.system_fingerprint).toContain('fake');
  });
});
