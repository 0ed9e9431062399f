import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readHeldBytes, readMemoryLimit } from './memory-limit.js';
import { languageNeed, memoryShortage } from './memory-need.js';
import { assertWeightsFit, readWeightBytes, weightsProblem } from './weights-fit.js';

const GIB = 2 ** 30;
const container = { bytes: 4 * GIB, of: 'container', swapBytes: 0 } as const;

describe('weights', () => {
  it('that fit are no problem', () => {
    expect(weightsProblem({ file: GIB, beside: 2 * GIB }, GIB, container)).toBeUndefined();
  });

  it('that are read as a whole and cannot fit are refused, with the numbers', () => {
    const problem = weightsProblem({ file: 3.5 * GIB, beside: 0 }, GIB, container);
    expect(problem?.isCertain).toBe(true);
    expect(problem?.reason).toContain('3584 MiB');
    expect(problem?.reason).toContain('holds 1024 MiB');
    expect(problem?.reason).toContain('the container gives it 4096 MiB');
  });

  it('that are mapped, or could be swapped out, are only warned of', () => {
    expect(weightsProblem({ file: 1, beside: 9 * GIB }, GIB, container)?.isCertain).toBe(false);
    const swapping = { ...container, swapBytes: 4 * GIB };
    expect(weightsProblem({ file: 3.5 * GIB, beside: 0 }, GIB, swapping)?.isCertain).toBe(false);
  });

  it('are the file and what has its name and more', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fovea-weights-'));
    try {
      const file = join(folder, 'model.onnx');
      await writeFile(file, 'graph');
      await writeFile(`${file}_data`, 'weights');
      await writeFile(join(folder, 'model_q4.onnx'), 'another graph');
      expect(await readWeightBytes(file)).toEqual({ file: 5, beside: 7 });
      await assertWeightsFit(file);
      // A hole: it takes no room on the disk.
      await truncate(file, 2 ** 40);
      await expect(assertWeightsFit(file)).rejects.toThrow(
        /model\.onnx: too large.* 104857\d MiB.* holds \d+ MiB.* gives it \d+ MiB/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the memory that a model may come to hold', () => {
  const facts = { bytesPerToken: 2 ** 16, vocabularySize: 2 ** 15 };
  const bounds = {
    maxModelLen: 4096,
    maxRunning: 8,
    replicas: 1,
    kvCacheBytes: GIB,
    prefixCacheBytes: GIB / 4,
    imageCacheBytes: GIB / 16,
  };

  it('is twice the keys and values, five times a prompt and its logits, and the caches', () => {
    expect(languageNeed(facts, bounds)).toEqual({
      keysAndValues: 2 * GIB,
      prompts: 5 * (GIB / 4) + GIB / 64,
      caches: GIB / 4 + GIB / 16,
    });
  });

  it('is no more than the context and the sequences can fill', () => {
    const need = languageNeed(facts, { ...bounds, maxModelLen: 64, replicas: 2 });
    expect(need.keysAndValues).toBe(2 * 8 * 64 * 2 ** 16);
    expect(need.prompts).toBe(2 * (5 * 64 * 2 ** 16 + GIB / 64));
  });

  it('is told with its parts when it is more than there is, of all models together', () => {
    const needs = ['a', 'b'].map((model) => ({ model, need: languageNeed(facts, bounds) }));
    expect(memoryShortage(needs.slice(1), GIB / 4, container)).toBeUndefined();
    expect(memoryShortage(needs, GIB / 2, container)).toMatchObject({
      most: '7840 MiB',
      limit: '4096 MiB',
      limitOf: 'container',
      resident: '512 MiB',
      models: [{ model: 'a', keysAndValues: '2048 MiB', longestPrompts: '1296 MiB' }, { model: 'b' }],
    });
  });
});

describe('this machine', () => {
  it('tells what a process may hold, and what this one does', async () => {
    const { bytes } = await readMemoryLimit();
    expect(bytes).toBeGreaterThan(2 ** 26);
    expect(bytes).toBeLessThan(2 ** 50);
    const held = await readHeldBytes();
    if (process.platform === 'linux') expect(held).toBeGreaterThan(2 ** 20);
    expect(held).toBeLessThan(bytes);
  });
});
