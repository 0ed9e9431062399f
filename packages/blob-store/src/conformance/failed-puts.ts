import { describe, expect, it } from '@jest/globals';
import { broken, chunks, KIB, silent } from './bytes.js';
import { type Suite, settings } from './suite.js';

export function describeFailedPuts(suite: Suite): void {
  describe('a put that fails', () => {
    it('leaves nothing when its source breaks', async () => {
      await expect(
        suite.store.put(broken(Buffer.alloc(KIB)), { tenant: 'a', owner: 'r1', mediaType: 'x' }),
      ).rejects.toThrow('upload broke');
      expect(await suite.made.contents()).toEqual([]);
    });

    it('leaves nothing when it is aborted while its source is silent', async () => {
      const abort = new AbortController();
      const source = silent(Buffer.alloc(KIB));
      const writing = suite.store.put(source.bytes, {
        tenant: 'a',
        owner: 'r1',
        mediaType: 'x',
        signal: abort.signal,
      });
      const outcome = expect(writing).rejects.toThrow('client left');
      await source.asked;
      abort.abort(new Error('client left'));
      await outcome;
      expect(await suite.made.contents()).toEqual([]);
    });

    it('leaves nothing when it was aborted before', async () => {
      const signal = AbortSignal.abort(new Error('client left'));
      await expect(
        suite.store.put(chunks(Buffer.from('x')), { tenant: 'a', owner: 'r1', mediaType: 'x', signal }),
      ).rejects.toThrow('client left');
      expect(await suite.made.contents()).toEqual([]);
    });

    it('does not harm an equal blob that is there', async () => {
      const ref = await suite.put('picture');
      await expect(
        suite.store.put(broken(Buffer.from('picture')), { tenant: 'acme', owner: 'r1', mediaType: 'x' }),
      ).rejects.toThrow();
      expect(String(await suite.store.read(ref))).toBe('picture');
    });

    it('is STORAGE_FULL over the quota, names the limit, and leaves nothing', async () => {
      await expect(suite.put(Buffer.alloc(settings.maxBytes + 1))).rejects.toMatchObject({
        code: 'STORAGE_FULL',
        limit: { value: settings.maxBytes },
        retryAfterS: expect.any(Number),
      });
      expect(await suite.made.contents()).toEqual([]);
      await suite.put(Buffer.alloc(settings.maxBytes));
    });

    it('is STORAGE_FULL when references hold all the room, and succeeds once they are released', async () => {
      await suite.put(Buffer.alloc(600_000), 'r1');
      await expect(suite.put(Buffer.alloc(600_000, 'x'), 'r2')).rejects.toMatchObject({
        code: 'STORAGE_FULL',
      });
      await suite.store.release('r1', { linger: false });
      await suite.put(Buffer.alloc(600_000, 'x'), 'r2');
    });
  });
}
