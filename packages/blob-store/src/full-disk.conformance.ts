import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { StoreSettings, StoreUnderTest } from './conformance.js';

const MIB = 1024 * 1024;
/** Size of the disk that the store under test must have. */
export const FULL_DISK_BYTES = 48 * MIB;

async function* bytesOf(whole: Buffer): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < whole.length; from += 65_536) yield whole.subarray(from, from + 65_536);
}

/** What every adapter must do when the disk under it is full, although its own quota is not. */
export function describeFullDisk(
  name: string,
  makeStore: (settings: StoreSettings) => Promise<StoreUnderTest>,
): void {
  describe(`${name} on a full disk`, () => {
    let made: StoreUnderTest;
    beforeEach(async () => {
      made = await makeStore({ lingerS: 600, maxReferenceAgeS: 3_600, maxBytes: 1_000 * MIB });
      await made.store.check();
    });
    afterEach(() => made.dispose());

    /** What a server was still writing when the put failed goes a moment later. */
    const untilContents = async (expected: readonly string[]): Promise<void> => {
      for (let tries = 100; tries > 0 && (await made.contents()).length > expected.length; tries -= 1) {
        await setTimeout(100);
      }
      expect(await made.contents()).toEqual(expected);
    };
    const put = (whole: Buffer, owner: string) =>
      made.store.put(bytesOf(whole), { tenant: 'acme', owner, mediaType: 'image/png' });

    it('answers STORAGE_FULL, leaves nothing of the put, keeps the rest, and works once there is room', async () => {
      const kept = randomBytes(9 * MIB);
      const ref = await put(kept, 'kept');
      const contents = await made.contents();
      await expect(put(randomBytes(60 * MIB), 'large')).rejects.toMatchObject({
        code: 'STORAGE_FULL',
        retryAfterS: expect.any(Number),
      });
      await untilContents(contents);
      expect((await made.store.read(ref)).equals(kept)).toBe(true);
      await made.store.release('kept', { linger: false });
      expect(await made.contents()).toEqual([]);
      await put(randomBytes(18 * MIB), 'next');
    });

    it('lets go of what it has when not a byte is left', async () => {
      const owners: string[] = [];
      const fill = async (): Promise<void> => {
        for (;;) {
          const owner = `r${owners.length}`;
          owners.push(owner);
          await put(randomBytes(3 * MIB), owner);
        }
      };
      await expect(fill()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      for (const owner of owners) await made.store.release(owner, { linger: false });
      await made.store.sweep(Date.now() + 3_700_000);
      expect(await made.contents()).toEqual([]);
      await put(randomBytes(3 * MIB), 'next');
    });
  });
}
