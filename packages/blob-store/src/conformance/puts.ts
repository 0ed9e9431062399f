import { describe, expect, it } from '@jest/globals';
import { chunks, KIB, readThrough } from './bytes.js';
import type { Suite } from './suite.js';

export function describePuts(suite: Suite): void {
  describe('put, open and read', () => {
    it('give back the bytes, whole and as a stream', async () => {
      const parts = [
        Buffer.alloc(70 * KIB, 'a'),
        Buffer.from('b'),
        Buffer.alloc(0),
        Buffer.alloc(64 * KIB, 'c'),
      ];
      const ref = await suite.store.put(chunks(...parts), {
        tenant: 'acme',
        owner: 'r1',
        mediaType: 'image/webp',
      });
      const whole = Buffer.concat(parts);
      expect(ref).toEqual({
        name: expect.stringMatching(/^[0-9a-f]{64}$/),
        mediaType: 'image/webp',
        byteSize: whole.length,
      });
      expect((await suite.store.read(ref)).equals(whole)).toBe(true);
      expect((await readThrough(await suite.store.open(ref))).equals(whole)).toBe(true);
    });

    it('take an empty blob', async () => {
      const ref = await suite.store.put(chunks(), { tenant: 'acme', owner: 'r1', mediaType: 'text/plain' });
      expect(await suite.store.read(ref)).toHaveLength(0);
    });

    it('store equal bytes of a tenant once, and those of two tenants under two names', async () => {
      const first = await suite.put('picture', 'r1');
      const contents = await suite.made.contents();
      expect((await suite.put('picture', 'r1')).name).toBe(first.name);
      expect(await suite.made.contents()).toEqual(contents);
      expect((await suite.put('picture', 'r2', 'acme', suite.made.another())).name).toBe(first.name);
      expect((await suite.put('picture', 'r3', 'other')).name).not.toBe(first.name);
    });

    it('work across processes', async () => {
      const ref = await suite.put('picture');
      expect(String(await suite.made.another().read(ref))).toBe('picture');
    });

    it('say GONE for what is not there, whatever its name', async () => {
      const ref = await suite.put('picture');
      expect(await suite.isGone({ ...ref, name: '0'.repeat(64) })).toBe(true);
      expect(await suite.isGone({ ...ref, name: '../../../../etc/passwd' })).toBe(true);
      await expect(suite.store.open({ ...ref, name: '0'.repeat(64) })).rejects.toMatchObject({
        code: 'GONE',
      });
    });

    it('say GONE when the bytes are not all there', async () => {
      const ref = await suite.put('picture');
      expect(await suite.isGone({ ...ref, byteSize: ref.byteSize + 1 })).toBe(true);
    });

    it('refuse to read once aborted', async () => {
      const ref = await suite.put('picture');
      const signal = AbortSignal.abort(new Error('left'));
      await expect(suite.store.read(ref, signal)).rejects.toThrow('left');
      await expect(suite.store.open(ref, signal)).rejects.toThrow('left');
    });
  });
}
