import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { countReplicas } from './replica-count.js';

const MIB = 2 ** 20;
const auto = { replicas: 'auto', maxRunning: 32, executionProviders: ['cpu'] } as const;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-replicas-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A file of that size, of which nothing is on the disk. */
async function file(name: string, bytes: number): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, '');
  await truncate(path, bytes);
  return path;
}

describe('the number of decoders', () => {
  it('is that of the cores while a copy of all graphs costs little, and one behind that', async () => {
    const decoder = await file('decoder.onnx', 60 * MIB);
    const tokens = await file('embed_tokens.onnx', 4 * MIB);
    expect(await countReplicas([decoder, tokens], auto, 6)).toBe(6);
    await truncate(tokens, 4 * MIB + 1);
    expect(await countReplicas([decoder, tokens], auto, 6)).toBe(1);
  });

  it('counts weights that lie beside the graph', async () => {
    const decoder = await file('decoder.onnx', MIB);
    await file('other.onnx_data', 100 * MIB);
    expect(await countReplicas([decoder], auto, 2)).toBe(2);
    await file('decoder.onnx_data_1', 100 * MIB);
    expect(await countReplicas([decoder], auto, 2)).toBe(1);
  });

  it('leaves four rows to each', async () => {
    const decoder = await file('decoder.onnx', MIB);
    expect(await countReplicas([decoder], { ...auto, maxRunning: 8 }, 6)).toBe(2);
    expect(await countReplicas([decoder], { ...auto, maxRunning: 1 }, 6)).toBe(1);
  });

  it('is one where a device of its own does the work', async () => {
    const decoder = await file('decoder.onnx', MIB);
    expect(await countReplicas([decoder], { ...auto, executionProviders: ['cuda', 'cpu'] }, 6)).toBe(1);
  });

  it("is the operator's, as long as each has a row", async () => {
    const decoder = await file('decoder.onnx', 100 * MIB);
    expect(await countReplicas([decoder], { ...auto, replicas: 3 }, 1)).toBe(3);
    expect(await countReplicas([decoder], { ...auto, replicas: 3, maxRunning: 2 }, 1)).toBe(2);
  });
});
