import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { System } from '../support/system.js';
import { workerToml } from '../support/workers.js';

describe('texts, their vectors and their tokens', () => {
  let engine: FakeVllm;
  let system: System;
  let folder: string;
  const tokenizer = JSON.stringify({ version: '1.0', model: { type: 'BPE', vocab: { ä: 1 } } });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-texts-'));
    await writeFile(join(folder, 'tokenizer.json'), tokenizer);
    engine = await startFakeVllm({ model: 'e', tasks: ['generate', 'embed', 'score'], embeddingSize: 256 });
    system = await System.start({ engineUrl: engine.url });
    const tables = `[queue.models."e".rerank_task]
supported = true
[queue.models."e".embedding_task]
supported = true
query_prefix = "query: "
`;
    const generator = `[generator]\nmodel_path = ${JSON.stringify(folder)}`;
    await system.startAdapter(
      'e',
      workerToml('e', { multimodal: false }).replace('[generator]', generator) + tables,
    );
    await system.untilModel('e', 'available');
  }, 60_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function ask<T>(path: string, body: object): Promise<T> {
    const answer = await system.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'e', ...body }),
    });
    const text = await answer.text();
    expect([answer.status, answer.status === 200 ? '' : text]).toEqual([200, '']);
    return JSON.parse(text) as T;
  }

  interface Embeddings {
    data: { index: number; embedding: number[] | string }[];
    usage: { prompt_tokens: number; total_tokens: number };
  }
  const embed = async (input: unknown, more: object = {}): Promise<Embeddings> =>
    ask('/v1/embeddings', { input, ...more });
  const semantic = async (prompt: unknown, more: object = {}): Promise<number[]> =>
    (await ask<{ embedding: number[] }>('/semantic_embed', { prompt, representation: 'document', ...more }))
      .embedding;

  it('gives the same vector as numbers, as base64, alone and in a list, in the order of the inputs', async () => {
    const list = await embed(['one', 'two words', 'three']);
    expect(list.data.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(list.usage.prompt_tokens).toBeGreaterThan(0);
    const [alone] = (await embed('two words', { encoding_format: 'base64' })).data;
    const bytes = Buffer.from(`${alone?.embedding}`, 'base64');
    const values = Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4));
    expect(list.data[1]?.embedding).toEqual(values);
    expect(list.data[0]?.embedding).not.toEqual(values);
  });

  it('cuts vectors where the model can, and tells who asks for too much', async () => {
    expect((await embed('a', { dimensions: 8 })).data[0]?.embedding).toHaveLength(8);
    expect(await semantic('a', { compress_to_size: 128 })).toHaveLength(128);
  });

  it('names what it does not know', async () => {
    const body = JSON.stringify({ model: 'e', input: 'a', speed: 'fast' });
    const headers = { 'content-type': 'application/json' };
    const answer = await system.fetch('/v1/embeddings', { method: 'POST', headers, body });
    expect(answer.headers.get('x-ignored-params')).toBe('speed');
    await answer.arrayBuffer();
  });

  it('puts in front of a query what the model was trained to find there', async () => {
    expect(await semantic('cats', { representation: 'query' })).toEqual(await semantic('query: cats'));
    expect(
      await semantic([
        { type: 'text', data: 'ca' },
        { type: 'text', data: 'ts' },
      ]),
    ).toEqual(await semantic('cats'));
  });

  it('gives vectors of the length 1 to who wants them', async () => {
    const vector = await semantic('cats', { normalize: true });
    expect(Math.hypot(...vector)).toBeCloseTo(1, 6);
  });

  it('keeps the order of a hundred prompts', async () => {
    const prompts = Array.from({ length: 100 }, (_, at) => `prompt number ${at}`);
    const { embeddings } = await ask<{ embeddings: number[][] }>('/batch_semantic_embed', {
      prompts,
      representation: 'document',
    });
    expect(embeddings).toHaveLength(100);
    expect(embeddings[42]).toEqual(await semantic('prompt number 42'));
  });

  it.each([
    ['an image', [{ type: 'image', data: 'iVBORw0KGgo=' }], 'prompt[0]'],
    [
      'attention controls',
      [{ type: 'text', data: 'a', controls: [{ start: 0, length: 1, factor: 2 }] }],
      'prompt[0].controls',
    ],
  ])('has no vectors for %s', async (_what, prompt, param) => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ model: 'e', prompt, representation: 'query' });
    const answer = await system.fetch('/semantic_embed', { method: 'POST', headers, body });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'MISSING_CAPABILITY', param });
  });

  it('sends the best documents first, and no more than were asked for', async () => {
    const documents = ['a', 'nothing of the kind', 'a b', 'c'];
    const { results, usage } = await ask<{
      results: { index: number; relevance_score: number }[];
      usage: object;
    }>('/rerank', { query: 'a', documents, top_n: 3 });
    const scores = results.map(({ relevance_score: score }) => score);
    expect(scores).toEqual([...scores].sort((left, right) => right - left));
    expect(new Set(results.map(({ index }) => index)).size).toBe(3);
    expect(usage).toMatchObject({ completion_tokens: 0 });
  });

  it('takes a text apart and puts it together again', async () => {
    const text = 'zwölf Boxkämpfer';
    const apart = await ask<{ tokens: string[]; token_ids: number[] }>('/tokenize', {
      prompt: text,
      tokens: true,
      token_ids: true,
    });
    expect(apart.tokens).toHaveLength(apart.token_ids.length);
    expect(await ask('/detokenize', { token_ids: apart.token_ids })).toEqual({ result: text });
    expect(await ask('/tokenize', { prompt: text, tokens: false, token_ids: false })).toEqual({});
  });

  it('shows the tokenizer as it lies beside the weights', async () => {
    const answer = await system.fetch('/v1/models/e/tokenizer');
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(await answer.text()).toBe(tokenizer);
    const unknown = await system.fetch('/models/nobody/tokenizer');
    expect([unknown.status, await unknown.json()]).toEqual([
      404,
      expect.objectContaining({ code: 'UNKNOWN_MODEL', error: expect.any(String) }),
    ]);
  });

  it('drops the tokenizer of a client that leaves, whenever that is', async () => {
    const leaving = Array.from({ length: 40 }, async (_, afterMs) => {
      const answer = await system.fetch('/models/e/tokenizer', { signal: AbortSignal.timeout(afterMs * 3) });
      await answer.text();
    });
    await Promise.allSettled(leaving);
    await system.untilClean();
  });

  it('leaves nothing behind', () => system.untilClean(), 40_000);
});
