import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { writeIdefics3Folder } from './idefics3/write-idefics3-folder.js';
import { writeLlamaFolder } from './llama/write-llama-folder.js';

// That the graphs run, and that others read the folders alike, is tested where the runtime is: in the shim.
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-model-folders-'));
});
afterEach(() => rm(folder, { recursive: true }));

const graph = (name: string) => readFile(join(folder, 'onnx', name));
const DECODER = 'decoder_model_merged.onnx';

describe('a model folder made for a test', () => {
  it('is complete, in the layout of the exports', async () => {
    await writeIdefics3Folder(folder);
    expect((await readdir(folder)).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'onnx',
      'preprocessor_config.json',
      'processor_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect((await readdir(join(folder, 'onnx'))).sort()).toEqual([
      DECODER,
      'embed_tokens.onnx',
      'vision_encoder.onnx',
    ]);
  });

  it('is the same for a seed, and another for another seed', async () => {
    await writeIdefics3Folder(folder, { seed: 7 });
    const first = await graph(DECODER);
    await writeIdefics3Folder(folder, { seed: 7 });
    expect(first.equals(await graph(DECODER))).toBe(true);
    await writeIdefics3Folder(folder, { seed: 8 });
    expect(first.equals(await graph(DECODER))).toBe(false);
  });

  it('keeps its weights in a file of their own when asked to', async () => {
    await writeLlamaFolder(folder);
    const whole = (await graph('model.onnx')).length;
    await writeLlamaFolder(folder, { hasExternalData: true });
    const outside = (await stat(join(folder, 'onnx/model.onnx_data'))).size;
    const inside = (await graph('model.onnx')).length;
    expect(inside).toBeLessThan(whole / 10);
    expect(inside + outside).toBeGreaterThan(whole);
    // Every reference of a weight into the other file costs a name, an offset and a length.
    expect(inside + outside).toBeLessThan(whole + 10_000);
  });

  it('holds several precisions beside each other, the smaller ones smaller', async () => {
    const dtypes = ['fp32', 'fp16', 'q8', 'q4'] as const;
    for (const dtype of dtypes) await writeLlamaFolder(folder, { dtype });
    const names = ['model.onnx', 'model_fp16.onnx', 'model_quantized.onnx', 'model_q4.onnx'];
    const sizes = await Promise.all(names.map(async (name) => (await graph(name)).length));
    expect(sizes[1]).toBeLessThan(sizes[0]! * 0.6);
    expect(sizes[2]).toBeLessThan(sizes[0]! * 0.6);
    expect(sizes[3]).toBeLessThan(sizes[2]!);
  });

  it('has a tokenizer for exactly the vocabulary of its graph', async () => {
    const { vocabularySize } = await writeLlamaFolder(folder);
    const { model } = JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8'));
    const ids = Object.values<number>(model.vocab).sort((a, b) => a - b);
    expect(ids).toEqual(Array.from({ length: vocabularySize }, (_, id) => id));
    expect(model.merges.length).toBeGreaterThan(100);
  });
});
