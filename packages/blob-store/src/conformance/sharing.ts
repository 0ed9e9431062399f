import { describe, expect, it } from '@jest/globals';
import type { BlobStore } from '../index.js';
import { type Suite, settings } from './suite.js';

export function describeSharing(suite: Suite): void {
  describe('the same picture in many requests', () => {
    const later = (): number => Date.now() + (settings.lingerS + 10) * 1_000;
    const picture = Buffer.alloc(1_000, 'p');

    it('is stored once, one after the other', async () => {
      for (const owner of ['turn-1', 'turn-2', 'turn-3']) {
        await suite.put(picture, owner);
        await suite.store.release(owner, { linger: true });
      }
      expect(await suite.store.sweep(later())).toMatchObject({
        deletedBlobs: 1,
        deletedBytes: picture.length,
      });
    });

    it('is stored once after a sweep at the latest, when they come at the same moment', async () => {
      const stores = [suite.store, suite.made.another(), suite.made.another()];
      const owners = Array.from({ length: 12 }, (_, id) => `r${id}`);
      const refs = await Promise.all(
        owners.map((owner, id) => suite.put(picture, owner, 'acme', stores[id % stores.length])),
      );
      expect(new Set(refs.map((ref) => ref.name)).size).toBe(1);
      await suite.store.sweep(Date.now());
      for (const ref of refs) expect((await suite.store.read(ref)).equals(picture)).toBe(true);
      await Promise.all(owners.map((owner) => suite.store.release(owner, { linger: true })));
      expect(await suite.store.sweep(later())).toMatchObject({
        deletedBlobs: 1,
        deletedBytes: picture.length,
      });
      expect(await suite.made.contents()).toEqual([]);
    });

    it('counts towards the quota once', async () => {
      const half = Buffer.alloc(settings.maxBytes * 0.6, 'h');
      await suite.put(half, 'r1');
      await suite.store.sweep(Date.now());
      await suite.store.release('r1', { linger: true });
      await suite.put(half, 'r2');
      await expect(suite.put(Buffer.alloc(settings.maxBytes * 0.6), 'r3')).rejects.toMatchObject({
        code: 'STORAGE_FULL',
      });
    });
  });

  describe('many at once', () => {
    it('never lose a blob that is referred to', async () => {
      const stores = [suite.store, suite.made.another(), suite.made.another()];
      const user = async (id: number): Promise<void> => {
        for (let turn = 0; turn < 15; turn += 1) {
          const mine = stores[(id + turn) % stores.length] ?? suite.store;
          const owner = `r-${id}-${turn}`;
          const text = `picture ${(id + turn) % 3}`;
          const ref = await suite.put(text, owner, 'acme', mine);
          expect(String(await suite.store.read(ref))).toBe(text);
          await (stores[id % stores.length] ?? suite.store).release(owner, { linger: turn % 2 === 0 });
        }
      };
      const sweeper = async (sweeping: BlobStore): Promise<void> => {
        for (let turn = 0; turn < 30; turn += 1)
          await sweeping.sweep(Date.now() + (settings.lingerS + 10) * 1_000);
      };
      await Promise.all([...Array.from({ length: 8 }, (_, id) => user(id)), ...stores.map(sweeper)]);
      await suite.store.sweep(Date.now() + (settings.lingerS + 10) * 1_000);
      expect(await suite.made.contents()).toEqual([]);
      // A bucket takes a thousand requests for this.
    }, 60_000);
  });

  it('can tell that it is usable', async () => {
    await expect(suite.store.check()).resolves.toBeUndefined();
    expect(await suite.made.contents()).toEqual([]);
  });
}
