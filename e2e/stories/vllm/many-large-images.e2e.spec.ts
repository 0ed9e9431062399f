import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { dataUrl, imagePart } from '../../support/pictures.js';
import { System } from '../../support/system.js';
import { workerToml } from '../../support/workers.js';

const PICTURES = 32;
const TEXTS = 24;
/** Of Qwen2.5-VL for 12 megapixels: all pictures fit at once, so that only slots bound them. */
const CONTEXT = 1_000_000;

/** 12 megapixels on their side, so that each is decoded and encoded anew; equal but for a comment. */
async function photos(count: number): Promise<string[]> {
  const create = { width: 4_000, height: 3_000, channels: 3 as const, background: '#6688aa' };
  const jpeg = await sharp({ create }).jpeg().withMetadata({ orientation: 6 }).toBuffer();
  return Array.from({ length: count }, (_, index) => {
    const comment = Buffer.from(`\xff\xfe\x00\x08${`${index}`.padStart(6, '0')}`, 'latin1');
    return dataUrl(Buffer.concat([jpeg.subarray(0, 2), comment, jpeg.subarray(2)]), 'image/jpeg');
  });
}

describe('many large photos at once', () => {
  let engine: FakeVllm;
  let system: System;

  beforeAll(async () => {
    engine = await startFakeVllm({ model: 'vlm', maxModelLen: CONTEXT });
    system = await System.start({ engineUrl: engine.url });
    await system.startAdapter('vlm', workerToml('vlm', { imageFamily: 'qwen2_5_vl' }));
    await system.untilModel('vlm', 'available');
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await engine?.close();
  });

  it('keep no text request waiting, and are all answered', async () => {
    engine.script({
      match: 'photo',
      times: 'always',
      behaviour: { hold: { afterTokens: 1, gate: 'photos' } },
    });
    let answered = 0;
    const answers = (await photos(PICTURES)).map(async (url) => {
      const content = [{ type: 'text', text: 'a photo' }, imagePart(url)];
      const response = await system.chat({ model: 'vlm', messages: [{ role: 'user', content }] });
      answered += 1;
      return response.status;
    });
    // From here on every place for pictures is taken, and more pictures wait than have one.
    await engine.waitFor('held', { text: 'photo', timeoutMs: 60_000 });
    for (let index = 0; index < TEXTS; index += 1) {
      const stream = index % 2 === 0;
      const text = await system.chat({
        model: 'vlm',
        stream,
        messages: [{ role: 'user', content: 'hello' }],
      });
      expect(text.status).toBe(200);
      expect((await text.text()).length).toBeGreaterThan(0);
    }
    expect(answered).toBe(0);
    engine.release('photos');
    expect(await Promise.all(answers)).toEqual(Array.from({ length: PICTURES }, () => 200));
    const seen = engine.requests.flatMap(({ images }) => images);
    expect(seen).toHaveLength(PICTURES);
    expect(new Set(seen.map(({ sha256 }) => sha256)).size).toBe(1);
    expect(seen[0]).toMatchObject({ width: 3_000, height: 4_000 });
    await system.untilClean();
  }, 300_000);
});
