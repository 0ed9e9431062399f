import { beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { createImageWorkers } from './image-workers.js';
import { type Recipe, recipeOf } from './recipe.js';

const path = 'messages[0].content[0].image_url.url';
const size = { width: 64, height: 48 };
const recipe: Recipe = recipeOf({ mediaType: 'image/png', upright: size, encoding: 'png' });

describe('createImageWorkers', () => {
  let file: Buffer;
  beforeAll(async () => {
    file = await sharp({ create: { ...size, channels: 3, background: '#336699' } })
      .png()
      .toBuffer();
  });

  it('works on as many pictures at once as its limit, and serves the others in their order', async () => {
    const workers = createImageWorkers(2);
    const order: number[] = [];
    let most = 0;
    const all = Array.from({ length: 9 }, async (_, index) => {
      await workers.normalise(file, recipe, { path });
      most = Math.max(most, workers.running);
      order.push(index);
    });
    expect([workers.running, workers.waiting]).toEqual([2, 7]);
    await Promise.all(all);
    expect(most).toBeLessThanOrEqual(2);
    expect(order.length).toBe(9);
    expect(order.indexOf(8)).toBeGreaterThan(order.indexOf(0));
    expect([workers.running, workers.waiting]).toEqual([0, 0]);
  });

  it('gives its place back after a picture that is damaged', async () => {
    const workers = createImageWorkers(1);
    const bad = workers.normalise(file.subarray(0, 60), recipe, { path });
    const good = workers.normalise(file, recipe, { path });
    await expect(bad).rejects.toMatchObject({ code: 'INVALID_IMAGE', param: path });
    expect((await good).length).toBeGreaterThan(0);
    expect(workers.running).toBe(0);
  });

  it('forgets a waiter whose signal aborts', async () => {
    const workers = createImageWorkers(1);
    const abort = new AbortController();
    const first = workers.normalise(file, recipe, { path });
    const gone = workers.normalise(file, recipe, { path, signal: abort.signal });
    const last = workers.normalise(file, recipe, { path });
    abort.abort(new Error('the client left'));
    await expect(gone).rejects.toThrow('the client left');
    expect(workers.waiting).toBe(1);
    await Promise.all([first, last]);
    expect([workers.running, workers.waiting]).toEqual([0, 0]);
  });

  it('keeps the place of a decoding that goes on behind an abort, and takes none for one that came aborted', async () => {
    const workers = createImageWorkers(1);
    const abort = new AbortController();
    const gone = workers.normalise(file, recipe, { path, signal: abort.signal });
    await Promise.resolve();
    abort.abort(new Error('the client left'));
    await expect(gone).rejects.toThrow('the client left');
    expect(workers.running).toBe(1);
    const late = workers.normalise(file, recipe, { path, signal: abort.signal });
    await expect(late).rejects.toThrow('the client left');
    await workers.normalise(file, recipe, { path });
    expect([workers.running, workers.waiting]).toEqual([0, 0]);
  });
});
