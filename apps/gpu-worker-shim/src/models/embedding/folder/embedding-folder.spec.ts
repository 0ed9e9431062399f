import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readEmbeddingFolder } from './embedding-folder.js';

const config = { model_type: 'bert', vocab_size: 100, max_position_embeddings: 512 };
const pooler = { pooler_config: { pooling_type: 'CLS' } };
const module = (kind: string, path: string) => ({ type: `sentence_transformers.models.${kind}`, path });

describe('an embedding folder', () => {
  let folder: string;
  const write = async (name: string, content: unknown) => {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), JSON.stringify(content));
  };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-embedding-folder-'));
    await write('config.json', { ...config, ...pooler });
    await write('tokenizer_config.json', { model_max_length: 1e30 });
    await write('onnx/model.onnx', 0);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each([
    ['as many tokens as it has positions', {}, {}, undefined, 512],
    ["no more than its tokenizer's limit", {}, { model_max_length: 128 }, undefined, 128],
    ['no more than sentence-transformers says', {}, {}, { max_seq_length: 256 }, 256],
    ['two less in RoBERTa', { model_type: 'roberta', max_position_embeddings: 514 }, {}, undefined, 512],
  ])('takes %s', async (_what, own, tokenizer, sentence, expected) => {
    await write('config.json', { ...config, ...pooler, ...own });
    await write('tokenizer_config.json', tokenizer);
    if (sentence !== undefined) await write('sentence_bert_config.json', sentence);
    expect((await readEmbeddingFolder(folder, [])).maxModelLen).toBe(expected);
  });

  it('tells the pooling by its modules before anything else', async () => {
    await write('modules.json', [module('Transformer', ''), module('Pooling', 'p')]);
    await write('p/config.json', { pooling_mode_mean_tokens: true });
    expect(await readEmbeddingFolder(folder, [])).toMatchObject({ pooling: 'mean', normalise: false });
  });

  it('tells the pooling by 1_Pooling, or by config.json', async () => {
    expect(await readEmbeddingFolder(folder, [])).toMatchObject({ pooling: 'cls', normalise: true });
    await write('config.json', { ...config, pooler_config: { pooling_type: 'MEAN', normalize: false } });
    expect(await readEmbeddingFolder(folder, [])).toMatchObject({ pooling: 'mean', normalise: false });
    await write('1_Pooling/config.json', { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false });
    expect(await readEmbeddingFolder(folder, [])).toMatchObject({ pooling: 'cls', normalise: true });
  });

  it('refuses what it would have to guess or cannot do', async () => {
    await write('1_Pooling/config.json', { pooling_mode_lasttoken: true });
    await expect(readEmbeddingFolder(folder, [])).rejects.toThrow('pooling_mode_lasttoken is not supported');
    await write('1_Pooling/config.json', { pooling_mode_cls_token: true, pooling_mode_max_tokens: true });
    await expect(readEmbeddingFolder(folder, [])).rejects.toThrow('is not supported');
    await write('modules.json', [
      module('Transformer', ''),
      module('Pooling', '1_Pooling'),
      module('Dense', 'd'),
    ]);
    await expect(readEmbeddingFolder(folder, [])).rejects.toThrow('"sentence_transformers.models.Dense"');
    await write('modules.json', [module('Transformer', '')]);
    await expect(readEmbeddingFolder(folder, [])).rejects.toThrow('no Pooling module');
    await rm(join(folder, 'modules.json'));
    await rm(join(folder, '1_Pooling'), { recursive: true });
    await write('config.json', config);
    await expect(readEmbeddingFolder(folder, [])).rejects.toThrow('one of them must tell the pooling');
  });

  it.each(['config.json', 'tokenizer_config.json', 'onnx/model.onnx'])('refuses without %s', async (name) => {
    await rm(join(folder, name));
    await expect(readEmbeddingFolder(folder, [])).rejects.toThrow(`${name}: the file is missing`);
  });
});
