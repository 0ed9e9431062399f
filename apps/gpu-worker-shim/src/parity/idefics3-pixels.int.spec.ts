import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeIf, transformersJs, transformersJsUrl, writeIdefics3Folder } from '@fovea/testing';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ownPixels, TILE } from './ask-both.js';
import { drawPicture, numbers } from './mixed-requests.js';
import { TransformersOracle } from './transformers-oracle.js';

describeIf(transformersJs, 'pictures of an Idefics3 model', () => {
  let folder: string;
  let oracle: TransformersOracle;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-parity-'));
    await writeIdefics3Folder(folder);
    oracle = await TransformersOracle.start(transformersJsUrl, folder);
  });
  afterAll(async () => {
    await oracle.stop();
    await rm(folder, { recursive: true });
  });
  const next = numbers(5);

  it.each([
    [128, 128],
    [256, 128],
    [128, 64],
    [96, 384],
    [64, 32],
    [400, 300],
  ])(
    'of %i×%i have the same tiles, to a hundred-thousandth, up to the view of the whole',
    async (width, height) => {
      const picture = await drawPicture(width, height, false, next);
      const own = await ownPixels(picture, true);
      const { pixelValues, rows, columns } = await oracle.process(picture, true);
      const length = 3 * TILE * TILE;
      expect(pixelValues.length).toBe(own.length * length);
      expect(own.length).toBe(rows * columns + 1);
      for (let tile = 0; tile < rows * columns; tile += 1) {
        const theirs = pixelValues.subarray(tile * length, (tile + 1) * length);
        expect(largestDifference(own[tile]!, theirs)).toBeLessThan(1e-5);
      }
    },
  );

  it('have as many tokens, whatever their size', async () => {
    for (let trial = 0; trial < 60; trial += 1) {
      const picture = await drawPicture(1 + next(700), 1 + next(700), true, next);
      const { rows, columns } = await oracle.process(picture, true);
      const own = await ownPixels(picture, true);
      expect({ size: [picture.width, picture.height], tiles: own.length }).toEqual({
        size: [picture.width, picture.height],
        tiles: rows * columns + 1,
      });
    }
  }, 300_000);
});

function largestDifference(one: Float32Array, other: Float32Array): number {
  return one.reduce((most, value, at) => Math.max(most, Math.abs(value - other[at]!)), 0);
}
