import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findModelSources } from './model-sources.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fovea-models-'));
  for (const [name, modelType] of [
    ['b', 'two'],
    ['a', 'one'],
  ] as const) {
    await mkdir(join(root, name));
    await writeFile(join(root, name, 'config.json'), JSON.stringify({ model_type: modelType }));
  }
  await mkdir(join(root, 'workers'));
  await mkdir(join(root, 'broken'));
});
afterAll(() => rm(root, { recursive: true }));

describe('SHIM_MODELS', () => {
  it('takes name=folder, a model folder, and a folder of model folders', async () => {
    const one = { name: 'a', folder: join(root, 'a'), modelType: 'one' };
    const two = { name: 'b', folder: join(root, 'b'), modelType: 'two' };
    expect(await findModelSources([`mine=${one.folder}`, two.folder])).toEqual([
      { ...one, name: 'mine' },
      two,
    ]);
    expect(await findModelSources([root])).toEqual([one, two]);
  });

  it('names the file that is missing', async () => {
    await expect(findModelSources([`x=${root}/none`])).rejects.toThrow(
      `${root}/none/config.json: the file is missing`,
    );
    await expect(findModelSources([join(root, 'none')])).rejects.toThrow('cannot be read');
    await expect(findModelSources([join(root, 'workers')])).rejects.toThrow(
      'holds no config.json and no model',
    );
  });

  it('names what is wrong in a file', async () => {
    const file = join(root, 'broken', 'config.json');
    await writeFile(file, '{');
    await expect(findModelSources([`x=${root}/broken`])).rejects.toThrow(file);
    await writeFile(file, '{}');
    await expect(findModelSources([`x=${root}/broken`])).rejects.toThrow('model_type');
    await rm(file);
  });

  it('refuses a name that is given twice', async () => {
    await expect(findModelSources([`a=${root}/b`, `${root}/a`])).rejects.toThrow('"a" is given twice');
  });
});
