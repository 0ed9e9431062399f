import type { BlobRef } from '@fovea/schemas/jobs';
import { describe, expect, it } from '@jest/globals';
import { KIB, silent } from './bytes.js';
import { nextTickOfTheClock, type Suite, settings } from './suite.js';

export function describeSweeps(suite: Suite): void {
  describe('sweep', () => {
    const later = (seconds: number): number => Date.now() + seconds * 1_000;

    it('deletes what lingered long enough, never what is referred to', async () => {
      const lingering = await suite.put('lingering', 'r1');
      const held = await suite.put('held', 'r2');
      await suite.store.release('r1', { linger: true });
      expect((await suite.store.sweep(later(settings.lingerS - 10))).deletedBlobs).toBe(0);
      expect(await suite.store.sweep(later(settings.lingerS + 10))).toEqual({
        deletedBlobs: 1,
        deletedBytes: 9,
        droppedReferences: 0,
      });
      expect([await suite.isGone(lingering), await suite.isGone(held)]).toEqual([true, false]);
    });

    it('drops references and unfinished writes that outlived every request', async () => {
      const ref = await suite.put('picture', 'r1');
      const source = silent(Buffer.alloc(KIB));
      const stop = new AbortController();
      const writing = suite.store.put(source.bytes, {
        tenant: 'a',
        owner: 'r2',
        mediaType: 'x',
        signal: stop.signal,
      });
      const outcome = expect(writing).rejects.toThrow('stop');
      await source.asked;
      expect((await suite.store.sweep(later(settings.maxReferenceAgeS - 10))).droppedReferences).toBe(0);
      expect(await suite.isGone(ref)).toBe(false);
      expect(await suite.store.sweep(later(settings.maxReferenceAgeS + 10))).toMatchObject({
        deletedBlobs: 1,
        droppedReferences: 1,
      });
      expect(await suite.made.contents()).toEqual([]);
      stop.abort(new Error('stop'));
      await outcome;
    });

    it('makes room for a put from what lingers, least recently used first', async () => {
      const refs: BlobRef[] = [];
      for (const fill of ['a', 'b', 'c']) {
        refs.push(await suite.put(Buffer.alloc(300_000, fill), fill));
      }
      for (const owner of ['b', 'a', 'c']) {
        await nextTickOfTheClock(suite.made);
        await suite.store.release(owner, { linger: true });
      }
      await suite.put(Buffer.alloc(300_000, 'd'), 'd');
      expect(await Promise.all(refs.map((ref) => suite.isGone(ref)))).toEqual([false, true, false]);
    });
  });

  describe('what a waiting job needs', () => {
    it('outlives sweeps and the want of room, however long ago it was used', async () => {
      const needed = await suite.put(Buffer.alloc(500_000, 'n'), 'waiting');
      await nextTickOfTheClock(suite.made);
      const spare = await suite.put(Buffer.alloc(300_000, 's'), 'done');
      await suite.store.release('done', { linger: true });
      await suite.put(Buffer.alloc(400_000, 'x'), 'r1', 'other');
      expect([await suite.isGone(needed), await suite.isGone(spare)]).toEqual([false, true]);
      await expect(suite.put(Buffer.alloc(200_000, 'y'), 'r2')).rejects.toMatchObject({
        code: 'STORAGE_FULL',
      });
      await suite.store.sweep(Date.now() + (settings.maxReferenceAgeS - 10) * 1_000);
      expect(await suite.isGone(needed)).toBe(false);
    });

    it('is what was sent again last, not what was stored last', async () => {
      const [first, second] = [
        await suite.put(Buffer.alloc(400_000, '1'), 'r1'),
        await suite.put(Buffer.alloc(400_000, '2'), 'r2'),
      ];
      await suite.store.release('r1', { linger: true });
      await suite.store.release('r2', { linger: true });
      await nextTickOfTheClock(suite.made);
      await suite.put(Buffer.alloc(400_000, '1'), 'r3');
      await suite.store.release('r3', { linger: true });
      await suite.put(Buffer.alloc(400_000, '3'), 'r4');
      expect([await suite.isGone(first), await suite.isGone(second)]).toEqual([false, true]);
    });
  });
}
