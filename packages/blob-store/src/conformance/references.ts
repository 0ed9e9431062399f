import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { KIB, readThrough } from './bytes.js';
import { type Suite, settings } from './suite.js';

export function describeReferences(suite: Suite): void {
  describe('locate', () => {
    it('names a file with the bytes, or none at all', async () => {
      const ref = await suite.put('picture');
      const file = suite.store.locate(ref);
      if (file === undefined) return;
      expect(file.path.endsWith(file.below)).toBe(true);
      expect(file.below.startsWith('/')).toBe(false);
      expect(await readFile(file.path, 'utf8')).toBe('picture');
    });

    it('names nothing outside of the store', async () => {
      const ref = await suite.put('picture');
      expect(suite.store.locate({ ...ref, name: '../../../../etc/passwd' })).toBeUndefined();
    });
  });

  describe('hold', () => {
    it('keeps a blob that whoever put it lets go', async () => {
      const ref = await suite.put('picture', 'file-1');
      await suite.made.another().hold(ref, { owner: 'r1' });
      await suite.store.release('file-1', { linger: false });
      expect(String(await suite.store.read(ref))).toBe('picture');
      await suite.store.release('r1', { linger: false });
      expect(await suite.isGone(ref)).toBe(true);
      expect(await suite.made.contents()).toEqual([]);
    });

    it('brings back into use what lingers', async () => {
      const ref = await suite.put('picture', 'r1');
      await suite.store.release('r1', { linger: true });
      await suite.store.hold(ref, { owner: 'r2' });
      await suite.store.sweep(Date.now() + (settings.lingerS + 10) * 1_000);
      expect(String(await suite.store.read(ref))).toBe('picture');
    });

    it('says GONE for what is not there, and holds nothing then', async () => {
      const ref = await suite.put('picture', 'r1');
      await suite.store.release('r1', { linger: false });
      for (const name of [ref.name, '0'.repeat(64), '../salt']) {
        await expect(suite.store.hold({ ...ref, name }, { owner: 'r2' })).rejects.toMatchObject({
          code: 'GONE',
        });
      }
      await suite.store.release('r2', { linger: false });
      expect(await suite.made.contents()).toEqual([]);
    });

    it('lasts until the time it was taken for, longer or shorter than that of a request', async () => {
      const hourMs = 3_600_000;
      const long = await suite.put('long', 'file-1');
      await suite.store.hold(long, { owner: 'file-1', untilMs: Date.now() + 24 * hourMs });
      const short = await suite.put('short', 'r1');
      await suite.store.hold(short, { owner: 'file-2', untilMs: Date.now() + 1_000 });
      await suite.store.release('r1', { linger: true });
      await suite.store.sweep(Date.now() + 0.9 * hourMs);
      expect([await suite.isGone(long), await suite.isGone(short)]).toEqual([false, true]);
      await suite.store.sweep(Date.now() + 23 * hourMs);
      expect(await suite.isGone(long)).toBe(false);
      await suite.store.sweep(Date.now() + 25 * hourMs);
      expect(await suite.isGone(long)).toBe(true);
      expect(await suite.made.contents()).toEqual([]);
    });

    it.each([
      ['shorter', 60],
      ['longer', 7_200],
    ])('lasts until that time also where requests have come to live %s', async (_name, maxReferenceAgeS) => {
      const hourMs = 3_600_000;
      const ref = await suite.put('picture', 'file-1');
      await suite.store.hold(ref, { owner: 'file-1', untilMs: Date.now() + 24 * hourMs });
      const restarted = suite.made.another({ maxReferenceAgeS });
      await restarted.sweep(Date.now() + 23.9 * hourMs);
      expect(await suite.isGone(ref)).toBe(false);
      await restarted.sweep(Date.now() + 24.1 * hourMs);
      expect(await suite.isGone(ref)).toBe(true);
      expect(await suite.made.contents()).toEqual([]);
    });

    it('lasts until the time it was last taken for', async () => {
      const hourMs = 3_600_000;
      const ref = await suite.put('picture', 'file-1');
      for (const hours of [3, 9, 6])
        await suite.store.hold(ref, { owner: 'file-1', untilMs: Date.now() + hours * hourMs });
      await suite.store.sweep(Date.now() + 5.9 * hourMs);
      expect(await suite.isGone(ref)).toBe(false);
    });
  });

  describe('release', () => {
    it('without linger deletes at once what nobody else refers to', async () => {
      const own = await suite.put('own', 'r1');
      const common = await suite.put('common', 'r1');
      await suite.put('common', 'r2', 'acme', suite.made.another());
      await suite.store.release('r1', { linger: false });
      expect([await suite.isGone(own), await suite.isGone(common)]).toEqual([true, false]);
      await suite.store.release('r2', { linger: false });
      expect(await suite.isGone(common)).toBe(true);
      expect(await suite.made.contents()).toEqual([]);
    });

    it('with linger keeps the blob for the next turn', async () => {
      const ref = await suite.put('picture', 'r1');
      await suite.store.release('r1', { linger: true });
      expect(String(await suite.store.read(ref))).toBe('picture');
      await suite.store.release('r1', { linger: false });
      expect(await suite.isGone(ref)).toBe(false);
    });

    it('deletes at once whatever is asked when nothing may linger', async () => {
      await suite.made.dispose();
      await suite.start({ lingerS: 0 });
      const ref = await suite.put('picture', 'r1');
      await suite.store.release('r1', { linger: true });
      expect(await suite.isGone(ref)).toBe(true);
    });

    it('of an unknown owner does nothing, and owners may have any name', async () => {
      await suite.store.release('nobody', { linger: false });
      const odd = ['../../escape', '.', 'ä/b\u0000c', 'x'.repeat(5_000)];
      const refs = await Promise.all(odd.map((owner) => suite.put(owner, owner)));
      for (const owner of odd) await suite.store.release(owner, { linger: false });
      expect(await Promise.all(refs.map((ref) => suite.isGone(ref)))).toEqual([true, true, true, true]);
      expect(await suite.made.contents()).toEqual([]);
    });

    it('does not disturb who is reading', async () => {
      const whole = Buffer.alloc(512 * KIB, 'picture');
      const ref = await suite.put(whole);
      const stream = await suite.store.open(ref);
      await suite.store.release('r1', { linger: false });
      expect(await suite.isGone(ref)).toBe(true);
      expect((await readThrough(stream)).equals(whole)).toBe(true);
    });
  });
}
