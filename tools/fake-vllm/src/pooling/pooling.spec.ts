import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FakeVllm, startFakeVllm } from '../index.js';
import { asking, imagePart, pngUrl, SpecClient } from '../spec-client.js';

let fake: FakeVllm;
let client: SpecClient;

beforeEach(async () => {
  fake = await startFakeVllm({ embeddingSize: 8, maxModelLen: 20 });
  client = new SpecClient(fake);
});

afterEach(() => fake.close());

const embed = (body: Record<string, unknown>) => client.json('/v1/embeddings', body);
const cosine = (a: number[], b: number[]): number =>
  a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);

describe('embeddings', () => {
  it('are unit vectors, the same for the same text, and near for texts that share words', async () => {
    const { data, ...rest } = await embed({
      input: ['red house', 'a red house', 'quantum flux', 'red house'],
    });
    expect(rest).toMatchObject({
      id: expect.stringMatching(/^embd-/),
      object: 'list',
      model: 'fake-vlm',
      usage: { prompt_tokens: 17, total_tokens: 17, completion_tokens: 0, prompt_tokens_details: null },
    });
    expect(data.map((item: { index: number; object: string }) => [item.index, item.object])).toEqual(
      [0, 1, 2, 3].map((index) => [index, 'embedding']),
    );
    const [a, b, c, d] = data.map((item: { embedding: number[] }) => item.embedding);
    expect(a).toEqual(d);
    expect(cosine(a, a)).toBeCloseTo(1, 5);
    expect(cosine(a, b)).toBeGreaterThan(cosine(a, c));
  });

  it('come as base64 of 32-bit floats in either byte order', async () => {
    const floats: number[] = (await embed({ input: 'x' })).data[0].embedding;
    const little = Buffer.from(
      (await embed({ input: 'x', encoding_format: 'base64' })).data[0].embedding,
      'base64',
    );
    expect(floats.map((_, at) => little.readFloatLE(at * 4))).toEqual(floats);
    const order = { encoding_format: 'base64', endianness: 'big' };
    const big = Buffer.from((await embed({ input: 'x', ...order })).data[0].embedding, 'base64');
    expect(floats.map((_, at) => big.readFloatBE(at * 4))).toEqual(floats);
  });

  it('take token ids, lists of them, and chats with images', async () => {
    const { tokens } = await client.json('/tokenize', { prompt: 'red house', add_special_tokens: false });
    const [text, ids, list] = await Promise.all([
      embed({ input: 'red house' }),
      embed({ input: tokens }),
      embed({ input: [tokens, tokens] }),
    ]);
    expect(ids.data[0].embedding).toEqual(text.data[0].embedding);
    expect(list.data).toHaveLength(2);
    const chat = await embed(asking(imagePart(pngUrl)));
    expect(chat.usage.prompt_tokens).toBeGreaterThan(4);
    expect(fake.requests.at(-1)).toMatchObject({
      route: '/v1/embeddings',
      images: [{ width: 3, height: 2 }],
    });
  });

  it('are cut to the dimensions asked for, where the model knows how', async () => {
    const { data } = await embed({ input: 'x', dimensions: 3 });
    expect(data[0].embedding).toHaveLength(3);
    expect(cosine(data[0].embedding, data[0].embedding)).toBeCloseTo(1, 5);
    await expect(embed({ input: 'x', dimensions: 9 })).rejects.toThrow(/^400/);
    const plain = await startFakeVllm({ matryoshka: false });
    await expect(new SpecClient(plain).json('/v1/embeddings', { input: 'x', dimensions: 3 })).rejects.toThrow(
      /matryoshka/,
    );
    await plain.close();
  });

  it('refuse a text that is too long unless they may cut it', async () => {
    const input = 'w '.repeat(40);
    await expect(embed({ input })).rejects.toThrow(/maximum context length is 20 tokens/);
    expect((await embed({ input, truncate_prompt_tokens: -1 })).usage.prompt_tokens).toBe(20);
    await expect(embed({ input: [] })).rejects.toThrow(/^400/);
    await expect(embed({})).rejects.toThrow(/Field required/);
  });

  it('queue, hang and are aborted like anything else', async () => {
    fake.script({ route: '/v1/embeddings', behaviour: { fault: { kind: 'hang', afterTokens: 0 } } });
    const controller = new AbortController();
    const answer = client.post('/v1/embeddings', { input: 'x' }, { signal: controller.signal });
    await fake.waitFor('running');
    expect(fake.counters.running).toBe(1);
    controller.abort();
    await expect(answer).rejects.toThrow();
    await fake.waitFor('aborted');
    expect(fake.counters).toMatchObject({ running: 0, aborted: 1 });
  });
});

describe('scores', () => {
  it('rank documents by the words they share with the query', async () => {
    const documents = ['the sea', 'a cat on a mat', { text: 'cat food' }];
    for (const path of ['/rerank', '/v1/rerank', '/v2/rerank']) {
      const { id, results, usage } = await client.json(path, { query: 'cat mat', documents, top_n: 2 });
      expect(id).toMatch(/^rerank-/);
      expect(results).toHaveLength(2);
      expect(results.map((result: { index: number }) => result.index)).not.toContain(0);
      expect(results[0].relevance_score).toBeGreaterThan(results[1].relevance_score);
      expect(results[0].document.text).toBe('a cat on a mat');
      expect(usage.total_tokens).toBe(usage.prompt_tokens);
    }
  });

  it('compare one text with many, or pair by pair, and nothing else', async () => {
    const { data } = await client.json('/score', { text_1: 'cat', text_2: ['cat', 'dog'] });
    expect(data[0].score).toBeGreaterThan(data[1].score);
    expect((await client.json('/v1/score', { text_1: ['a', 'b'], text_2: ['a', 'b'] })).data).toHaveLength(2);
    await expect(client.json('/score', { text_1: ['a', 'b'], text_2: ['a'] })).rejects.toThrow(/N:N/);
  });
});
