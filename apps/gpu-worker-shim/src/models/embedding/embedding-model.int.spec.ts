import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddingFolderOptions, type EmbeddingModelFolder, writeEmbeddingFolder } from '@fovea/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { EmbeddingModel, EmbeddingRequest } from '../embedding-model.js';
import { embeddingFamily } from './embedding-family.js';

// The thread runs compiled code: build before.
const runtime = {
  executionProviders: ['cpu'],
  dtypes: [],
  threads: 1,
  replicas: 1,
  maxRunning: 8,
  maxWaiting: 4,
  kvCacheBytes: 0,
  prefixCacheBytes: 0,
  imageCacheBytes: 0,
  speech: { maxAudioS: 3600, vad: false, ffmpeg: 'none', retriesDoubtful: false },
};

const texts = [
  '',
  'a',
  'The red fox.',
  'the quick brown fox jumps over the lazy dog',
  'tax law of the sea',
  'The house is red, the house is green, the house is blue and the sun is over the hill of the lazy dog.',
  'Zwölf Boxkämpfer 你好 🦊',
];

let root: string;
let open: EmbeddingModel[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fovea-embedding-'));
});
afterEach(async () => {
  await Promise.all(open.map((model) => model.close()));
  open = [];
  await rm(root, { recursive: true });
});

async function load(
  options: EmbeddingFolderOptions = {},
): Promise<{ model: EmbeddingModel; made: EmbeddingModelFolder }> {
  const made = await writeEmbeddingFolder(join(root, `model-${open.length}`), options);
  const source = { name: 'words', folder: made.folder, modelType: 'bert' };
  const model = await embeddingFamily.load(source, runtime);
  open.push(model);
  return { model, made };
}

const embed = (
  model: EmbeddingModel,
  request: Partial<EmbeddingRequest> = {},
  signal = new AbortController().signal,
) => model.embed({ inputs: texts, addSpecialTokens: true, ...request }, signal);

function expectSame(vectors: readonly Float32Array[], others: readonly Float32Array[], within = 1e-5): void {
  expect(vectors).toHaveLength(others.length);
  for (const [at, vector] of vectors.entries()) {
    const other = others[at]!;
    expect(vector).toHaveLength(other.length);
    expect(Math.max(...vector.map((value, place) => Math.abs(value - other[place]!)))).toBeLessThan(within);
  }
}

const lengthOf = (vector: Float32Array): number =>
  Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));

describe('an embedding model', () => {
  it('gives a text the same vector whatever it is computed with', async () => {
    const { model, made } = await load();
    const together = await embed(model);
    expect(together.vectors.map((vector) => vector.length)).toEqual(texts.map(() => made.dimensions));
    const alone = await Promise.all(texts.map((text) => embed(model, { inputs: [text] })));
    expectSame(
      together.vectors,
      alone.map(({ vectors }) => vectors[0]!),
    );
    for (const vector of together.vectors) expect(lengthOf(vector)).toBeCloseTo(1, 5);
    // Different texts differ by far more than that.
    expect(
      together.vectors[1]!.map((value, at) => Math.abs(value - together.vectors[2]![at]!)).some(
        (d) => d > 0.05,
      ),
    ).toBe(true);
    expect(together.promptTokens).toBe(alone.reduce((sum, one) => sum + one.promptTokens, 0));
  });

  it('pools as the graph of the export does', async () => {
    const { model } = await load();
    const { model: pooled } = await load({ hasSentenceEmbedding: true });
    expectSame((await embed(model)).vectors, (await embed(pooled)).vectors);
  });

  it("takes [CLS]'s vector where the folder says so, or no scaling", async () => {
    const [mean, cls, raw] = [
      await load(),
      await load({ pooling: 'cls' }),
      await load({ normalises: false }),
    ];
    const [means, firsts, raws] = await Promise.all([mean, cls, raw].map(({ model }) => embed(model)));
    expect(means!.vectors[3]).not.toEqual(firsts!.vectors[3]);
    expect(lengthOf(firsts!.vectors[3]!)).toBeCloseTo(1, 5);
    const long = lengthOf(raws!.vectors[3]!);
    expect(long).not.toBeCloseTo(1, 2);
    expectSame([raws!.vectors[3]!.map((value) => value / long)], [means!.vectors[3]!]);
  });

  it('runs graphs without token types', async () => {
    const { model } = await load({ takesTokenTypes: false });
    expect((await embed(model)).vectors).toHaveLength(texts.length);
  });

  it('computes text by text where neighbours would matter, as in graphs with quantised activations', async () => {
    const { model } = await load({ isQuantised: true });
    const together = await embed(model);
    const alone = await Promise.all(texts.map((text) => embed(model, { inputs: [text] })));
    expectSame(
      together.vectors,
      alone.map(({ vectors }) => vectors[0]!),
    );
  });

  it('takes token ids for what they are', async () => {
    const { model } = await load();
    const [text, ids] = [
      await embed(model, { inputs: ['the red fox'] }),
      await embed(model, { inputs: [[2, 47, 53, 56, 3]] }),
    ];
    expect(ids.promptTokens).toBe(5);
    expect(text.promptTokens).toBe(5);
    expectSame(text.vectors, ids.vectors);
    const mixed = await embed(model, { inputs: ['the red fox'], addSpecialTokens: false });
    expect(mixed.promptTokens).toBe(3);
  });

  it('cuts vectors to the lengths that the model was trained for, and scales them after', async () => {
    const { model } = await load({ config: { matryoshka_dimensions: [8, 16] } });
    const whole = await embed(model);
    const half = await embed(model, { dimensions: 16 });
    expect(half.vectors.map((vector) => vector.length)).toEqual(texts.map(() => 16));
    const expected = whole.vectors.map((vector) => {
      const part = vector.slice(0, 16);
      return part.map((value) => value / lengthOf(part));
    });
    expectSame(half.vectors, expected);
    await expect(embed(model, { dimensions: 4 })).rejects.toThrow('only supports [8, 16] matryoshka');
    const { model: any } = await load({ config: { is_matryoshka: true } });
    expect((await embed(any, { dimensions: 3 })).vectors[0]).toHaveLength(3);
    await expect(embed(any, { dimensions: 33 })).rejects.toThrow('at most 32');
    const { model: none } = await load();
    const refusal = { code: 'INVALID_REQUEST', param: 'dimensions' };
    await expect(embed(none, { dimensions: 16 })).rejects.toMatchObject(refusal);
  });
});

describe('an embedding model', () => {
  const long = 'fox '.repeat(80);

  it('refuses what is too long, and cuts it only when told to', async () => {
    const { model, made } = await load();
    await expect(embed(model, { inputs: ['a', long] })).rejects.toMatchObject({
      code: 'CONTEXT_LENGTH_EXCEEDED',
      message: expect.stringContaining(
        'maximum context length is 64 tokens. However, you requested 82 tokens',
      ),
      limit: { name: 'max_model_len', value: 64, actual: 82 },
    });
    await expect(embed(model, { inputs: [Array.from({ length: 65 }, () => 9)] })).rejects.toMatchObject({
      code: 'CONTEXT_LENGTH_EXCEEDED',
    });
    const fits = await embed(model, { inputs: ['fox '.repeat(62)] });
    expect(fits.promptTokens).toBe(made.maxModelLen);
    const cut = await embed(model, { inputs: [long], truncation: { maxTokens: 64 } });
    expect(cut.promptTokens).toBe(64);
    expectSame(cut.vectors, fits.vectors);
    const ends = ['red fox house law', 'red fox', 'house law'];
    const right = await embed(model, { inputs: ends, truncation: { maxTokens: 4 } });
    expectSame([right.vectors[0]!], [right.vectors[1]!]);
    const left = await embed(model, { inputs: ends, truncation: { maxTokens: 4, side: 'left' } });
    expectSame([left.vectors[0]!], [left.vectors[2]!]);
  });

  it('refuses a truncation that leaves no room for text, or is over the context', async () => {
    const { model } = await load();
    const refusal = { code: 'INVALID_REQUEST', param: 'truncate_prompt_tokens' };
    for (const maxTokens of [0, 2, 65]) {
      await expect(embed(model, { truncation: { maxTokens } })).rejects.toMatchObject(refusal);
    }
  });

  it('refuses huge texts before it reads them', async () => {
    const { model } = await load();
    const huge = 'x'.repeat(50_000_000);
    const before = process.cpuUsage();
    await expect(embed(model, { inputs: [huge] })).rejects.toMatchObject({ code: 'CONTEXT_LENGTH_EXCEEDED' });
    const truncation = { maxTokens: 64 };
    await expect(embed(model, { inputs: ['a', huge], truncation })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      param: 'input[1]',
    });
    // The time of this process, since a busy machine takes longer for the same.
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(2_000);
  });

  it('refuses token ids that it does not have, and inputs without tokens', async () => {
    const { model, made } = await load();
    const wrong = { inputs: [[1], [2, made.vocabularySize]] };
    await expect(embed(model, wrong)).rejects.toMatchObject({ code: 'INVALID_REQUEST', param: 'input[1]' });
    const empty = { inputs: [''], addSpecialTokens: false };
    await expect(embed(model, empty)).rejects.toMatchObject({ code: 'INVALID_REQUEST', param: 'input' });
  });

  it('refuses more requests than may run and wait, and serves again after', async () => {
    const { model } = await load();
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => embed(model)));
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(refused).toHaveLength(8);
    for (const reason of refused) expect(reason).toMatchObject({ code: 'QUEUE_FULL' });
    expect((await embed(model)).vectors).toHaveLength(texts.length);
    expect(model.load()).toEqual({ running: 0, waiting: 0, kvCacheUsage: 0 });
  });

  it('lets go of who leaves, and goes on for the others', async () => {
    const { model } = await load();
    const leaving = new AbortController();
    const many = Array.from({ length: 500 }, (_, at) => `number ${at} `.repeat(10));
    const left = embed(model, { inputs: many }, leaving.signal);
    const stays = embed(model);
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    expect((await stays).vectors).toHaveLength(texts.length);
    await expect(embed(model, {}, leaving.signal)).rejects.toThrow('gone');
  });

  it('fails its requests when its thread is closed, and says that it is not healthy', async () => {
    const { model } = await load();
    expect(model.isHealthy).toBe(true);
    const many = Array.from({ length: 2000 }, (_, at) => `number ${at} `.repeat(10));
    const running = expect(embed(model, { inputs: many })).rejects.toThrow();
    await model.close();
    await running;
    expect(model.isHealthy).toBe(false);
  });

  it('refuses a folder that it cannot run, with the file and the reason', async () => {
    const folder = join(root, 'x');
    const source = { name: 'x', folder, modelType: 'bert' };
    const refused = async (options: EmbeddingFolderOptions) => {
      await writeEmbeddingFolder(folder, options);
      return embeddingFamily.load(source, runtime).then(
        () => 'loaded',
        (error: Error) => error.message,
      );
    };
    expect(await refused({ pooling: 'none' })).toContain('modules.json: the file is missing');
    expect(await refused({ config: { 'transformers.js_config': { dtype: 'q4' } } })).toContain(
      'onnx/model_q4.onnx: the file is missing',
    );
    const small = await refused({ config: { vocab_size: 100_000 } });
    expect(small).toMatch(/model\.onnx: .*indices element out of data bounds/);
    await writeFile(join(folder, 'tokenizer.json'), '{');
    await expect(embeddingFamily.load(source, runtime)).rejects.toThrow('tokenizer.json');
    await writeFile(join(folder, 'tokenizer.json'), '{}');
    await expect(embeddingFamily.load(source, runtime)).rejects.toThrow('tokenizer.json');
    await rm(join(folder, 'tokenizer.json'));
    await expect(embeddingFamily.load(source, runtime)).rejects.toThrow(
      'tokenizer.json: the file is missing',
    );
    await writeEmbeddingFolder(folder);
    await writeFile(join(folder, 'onnx/model.onnx'), 'no graph');
    await expect(embeddingFamily.load(source, runtime)).rejects.toThrow('model.onnx');
  });
});
