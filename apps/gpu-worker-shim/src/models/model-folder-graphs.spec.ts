import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { requireGraph } from './model-folder-graphs.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-graphs-'));
  await mkdir(join(folder, 'onnx'));
});
afterEach(() => rm(folder, { recursive: true }));

const files = (...names: string[]) =>
  Promise.all(names.map((name) => writeFile(join(folder, 'onnx', name), '')));
const find = (dtype?: string | Record<string, string>, ...preferred: string[]) =>
  requireGraph(folder, 'model', { config: dtype === undefined ? undefined : { dtype }, preferred });
const path = (name: string) => join(folder, 'onnx', name);

describe('the file of a graph', () => {
  it('is the most exact one when nobody says which', async () => {
    await files('model_q4.onnx', 'model_fp16.onnx', 'model_quantized.onnx');
    expect(await find()).toBe(path('model_fp16.onnx'));
    expect(await find('auto')).toBe(path('model_fp16.onnx'));
    await files('model.onnx');
    expect(await find()).toBe(path('model.onnx'));
  });

  it('is the one that config.json names, for all graphs or for this one', async () => {
    await files('model.onnx', 'model_q4.onnx', 'model_quantized.onnx');
    expect(await find('q8')).toBe(path('model_quantized.onnx'));
    expect(await find({ model: 'q4', other: 'q8' })).toBe(path('model_q4.onnx'));
    expect(await find({ other: 'q8' })).toBe(path('model.onnx'));
  });

  it('is the first of the operator’s list that is there, whatever config.json names', async () => {
    await files('model.onnx', 'model_q4.onnx');
    expect(await find('fp32', 'q8', 'q4', 'fp32')).toBe(path('model_q4.onnx'));
  });

  it.each([
    ['nothing at all', [], undefined, [], 'onnx/model.onnx: the file is missing'],
    [
      'another precision than config.json names',
      ['model.onnx'],
      'q4',
      [],
      'model_q4.onnx: the file is missing; there is fp32',
    ],
    [
      'none of the operator’s list',
      ['model.onnx', 'model_fp16.onnx'],
      undefined,
      ['q8', 'q4'],
      'model_quantized.onnx or model_q4.onnx: the file is missing; there is fp32, fp16 (choose with SHIM_DTYPES)',
    ],
    [
      'a precision nobody knows',
      ['model.onnx'],
      'int2',
      [],
      'config.json: precision "int2" of model is not one of fp32',
    ],
  ] as const)('is refused when there is %s', async (_what, there, dtype, preferred, reason) => {
    await files(...there);
    await expect(find(dtype, ...preferred)).rejects.toThrow(reason);
  });
});
