import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { collect, neverAborted, type Suite, withImages } from './suite.js';
import { createTestPng } from './test-png.js';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export function describeRequests(suite: Suite): void {
  describe('the request', () => {
    it('starts at the first pull', async () => {
      const { backend } = suite.harness;
      const events = backend.generate(suite.request(), neverAborted);
      await backend.checkHealth(neverAborted);
      expect(suite.harness.seenRequests()).toBe(0);
      expect((await collect(events)).error).toBeUndefined();
      expect(suite.harness.seenRequests()).toBe(1);
    });

    it('carries images byte for byte and in order', async () => {
      const images = [createTestPng(300, 1), createTestPng(5, 2), createTestPng(64, 3)];
      const { error } = await suite.run(withImages(...images));
      expect(error).toBeUndefined();
      expect(suite.harness.lastSeen().images.map((image) => image.sha256)).toEqual(
        images.map(({ bytes }) => sha256(bytes)),
      );
    });

    it('carries the engine’s key of an image, and none where there is none', async () => {
      const images = [{ ...createTestPng(30, 1), uuid: 'key-of-the-first' }, createTestPng(31, 2)];
      const { error } = await suite.run(withImages(...images));
      expect(error).toBeUndefined();
      expect(suite.harness.lastSeen().images.map((image) => image.uuid)).toEqual([
        'key-of-the-first',
        undefined,
      ]);
    });

    it('names an image’s file in place of its bytes', async () => {
      const image = createTestPng(40, 1);
      const fileUrl = await suite.harness.placeFile(image.bytes);
      const unread = {
        ...image,
        fileUrl,
        chunks: () => {
          throw new Error('its bytes were asked for');
        },
      };
      const { error } = await suite.run(withImages(unread, createTestPng(41, 2)));
      expect(error).toBeUndefined();
      const [first, second] = suite.harness.lastSeen().images;
      expect(first).toMatchObject({ sha256: sha256(image.bytes), fileUrl });
      expect(second?.fileUrl).toBeUndefined();
    });

    it('salts the engine’s cache when it has a salt', async () => {
      await suite.run({ cacheSalt: 'of-this-tenant' });
      expect(suite.harness.lastSeen().cacheSalt).toBe('of-this-tenant');
      await suite.run();
      expect(suite.harness.lastSeen().cacheSalt).toBeUndefined();
    });

    it('runs beside others on the same backend', async () => {
      const runs = await Promise.all(Array.from({ length: 20 }, () => suite.run()));
      expect(runs.map(({ error }) => error)).toEqual(Array.from({ length: 20 }));
      expect(suite.harness.seenRequests()).toBe(20);
    });
  });
}
