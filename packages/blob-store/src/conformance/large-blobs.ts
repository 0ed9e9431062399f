import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { KIB, readThrough } from './bytes.js';
import type { Suite } from './suite.js';

export function describeLargeBlobs(suite: Suite): void {
  describe('a large blob, which arrives in many pieces', () => {
    const MIB = 1_024 * KIB;
    const large = randomBytes(20 * MIB + 12_345);
    /** Pieces of odd sizes in memory that the giver uses again, as a decoder does. */
    async function* pieces(ofBytes = large.length): AsyncGenerator<Uint8Array> {
      const memory = Buffer.alloc(300_001);
      for (let from = 0; from < ofBytes; from += memory.length) {
        const length = large.copy(memory, 0, from, Math.min(ofBytes, from + memory.length));
        yield memory.subarray(0, length);
        memory.fill(0);
      }
    }
    const largeOf = (owner: string) => ({ tenant: 'acme', owner, mediaType: 'image/png' });

    beforeEach(async () => {
      await suite.made.dispose();
      await suite.start({ maxBytes: 64 * MIB });
    });

    it('comes back as it was, whole and as a stream', async () => {
      const ref = await suite.store.put(pieces(), largeOf('r1'));
      expect(ref.byteSize).toBe(large.length);
      expect((await suite.store.read(ref)).equals(large)).toBe(true);
      expect((await readThrough(await suite.made.another().open(ref))).equals(large)).toBe(true);
    });

    it('is stored once when it comes again', async () => {
      const first = await suite.store.put(pieces(), largeOf('r1'));
      const contents = await suite.made.contents();
      expect((await suite.made.another().put(pieces(), largeOf('r1'))).name).toBe(first.name);
      expect(await suite.made.contents()).toEqual(contents);
    });

    it.each([
      ['at the end of a part', 16 * MIB],
      ['in the middle of one', 17 * MIB],
    ])('leaves nothing when its source breaks %s', async (_where, bytes) => {
      const source = (async function* () {
        yield* pieces(bytes);
        throw new Error('upload broke');
      })();
      await expect(suite.store.put(source, largeOf('r1'))).rejects.toThrow('upload broke');
      expect(await suite.made.contents()).toEqual([]);
    });

    it('leaves nothing when it is aborted half way', async () => {
      const abort = new AbortController();
      const source = (async function* () {
        yield* pieces(17 * MIB);
        abort.abort(new Error('client left'));
        yield* pieces();
      })();
      const writing = suite.store.put(source, { ...largeOf('r1'), signal: abort.signal });
      await expect(writing).rejects.toThrow('client left');
      expect(await suite.made.contents()).toEqual([]);
    });

    it('is STORAGE_FULL as soon as it outgrows the quota, and leaves nothing', async () => {
      let given = 0;
      const endless = (async function* () {
        for (;;) {
          yield Buffer.alloc(MIB);
          given += 1;
        }
      })();
      await expect(suite.store.put(endless, largeOf('r1'))).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      expect(given).toBe(64);
      expect(await suite.made.contents()).toEqual([]);
    });

    it('keeps apart what many put at once', async () => {
      const owners = ['r1', 'r2', 'r3'];
      const refs = await Promise.all(
        owners.map((owner, id) => suite.store.put(pieces(large.length - id), largeOf(owner))),
      );
      for (const [id, ref] of refs.entries()) {
        expect((await suite.store.read(ref)).equals(large.subarray(0, large.length - id))).toBe(true);
      }
    });
  });
}
