import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { BlobRef } from '@fovea/schemas/jobs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { BlobStore } from './index.js';

/** What the suite asks a store to be made with. */
export interface StoreSettings {
  readonly lingerS: number;
  readonly maxReferenceAgeS: number;
  readonly maxBytes: number;
}

export interface StoreUnderTest {
  readonly store: BlobStore;
  /** The same store as another process has it, which may have been started with other settings. */
  another(changes?: Partial<StoreSettings>): BlobStore;
  /** Everything that is stored at the moment, unfinished writes and references included; empty when fresh. */
  contents(): Promise<readonly string[]>;
  dispose(): Promise<void>;
  /** How finely the store tells times of use apart, if not in milliseconds. */
  readonly clockTickMs?: number;
}

const settings: StoreSettings = { lingerS: 600, maxReferenceAgeS: 3_600, maxBytes: 1_000_000 };
const KIB = 1_024;

async function* chunks(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

async function* broken(part: Uint8Array): AsyncGenerator<Uint8Array> {
  yield part;
  throw new Error('upload broke');
}

/** Says when it was asked for more than it has, then stays silent for ever. */
function silent(part: Uint8Array): { bytes: AsyncIterable<Uint8Array>; asked: Promise<void> } {
  let ask: () => void = () => {};
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  const bytes = (async function* () {
    yield part;
    ask();
    await new Promise(() => {});
  })();
  return { bytes, asked };
}

/** Until what happens next is later in the store's eyes, too. */
async function nextTickOfTheClock({ clockTickMs = 20 }: StoreUnderTest): Promise<void> {
  const startMs = Date.now();
  while (Date.now() < startMs + clockTickMs) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function readThrough(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  // A chunk holds only until the next one.
  for await (const part of stream) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

/** What every adapter of `BlobStore` must do. */
export function describeBlobStore(
  name: string,
  makeStore: (settings: StoreSettings) => Promise<StoreUnderTest>,
): void {
  describe(`${name} as a blob store`, () => {
    let made: StoreUnderTest;
    let store: BlobStore;
    const start = async (changes: Partial<StoreSettings> = {}): Promise<void> => {
      made = await makeStore({ ...settings, ...changes });
      store = made.store;
    };
    const put = (text: string | Buffer, owner = 'r1', tenant = 'acme', target = store): Promise<BlobRef> =>
      target.put(chunks(Buffer.from(text)), { tenant, owner, mediaType: 'image/png' });
    const isGone = (ref: BlobRef): Promise<boolean> =>
      store.read(ref).then(
        () => false,
        (error: { code?: string }) => error.code === 'GONE',
      );

    beforeEach(() => start());
    afterEach(() => made.dispose());

    describe('put, open and read', () => {
      it('give back the bytes, whole and as a stream', async () => {
        const parts = [
          Buffer.alloc(70 * KIB, 'a'),
          Buffer.from('b'),
          Buffer.alloc(0),
          Buffer.alloc(64 * KIB, 'c'),
        ];
        const ref = await store.put(chunks(...parts), {
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
        expect((await store.read(ref)).equals(whole)).toBe(true);
        expect((await readThrough(await store.open(ref))).equals(whole)).toBe(true);
      });

      it('take an empty blob', async () => {
        const ref = await store.put(chunks(), { tenant: 'acme', owner: 'r1', mediaType: 'text/plain' });
        expect(await store.read(ref)).toHaveLength(0);
      });

      it('store equal bytes of a tenant once, and those of two tenants under two names', async () => {
        const first = await put('picture', 'r1');
        const contents = await made.contents();
        expect((await put('picture', 'r1')).name).toBe(first.name);
        expect(await made.contents()).toEqual(contents);
        expect((await put('picture', 'r2', 'acme', made.another())).name).toBe(first.name);
        expect((await put('picture', 'r3', 'other')).name).not.toBe(first.name);
      });

      it('work across processes', async () => {
        const ref = await put('picture');
        expect(String(await made.another().read(ref))).toBe('picture');
      });

      it('say GONE for what is not there, whatever its name', async () => {
        const ref = await put('picture');
        expect(await isGone({ ...ref, name: '0'.repeat(64) })).toBe(true);
        expect(await isGone({ ...ref, name: '../../../../etc/passwd' })).toBe(true);
        await expect(store.open({ ...ref, name: '0'.repeat(64) })).rejects.toMatchObject({ code: 'GONE' });
      });

      it('say GONE when the bytes are not all there', async () => {
        const ref = await put('picture');
        expect(await isGone({ ...ref, byteSize: ref.byteSize + 1 })).toBe(true);
      });

      it('refuse to read once aborted', async () => {
        const ref = await put('picture');
        const signal = AbortSignal.abort(new Error('left'));
        await expect(store.read(ref, signal)).rejects.toThrow('left');
        await expect(store.open(ref, signal)).rejects.toThrow('left');
      });
    });

    describe('a put that fails', () => {
      it('leaves nothing when its source breaks', async () => {
        await expect(
          store.put(broken(Buffer.alloc(KIB)), { tenant: 'a', owner: 'r1', mediaType: 'x' }),
        ).rejects.toThrow('upload broke');
        expect(await made.contents()).toEqual([]);
      });

      it('leaves nothing when it is aborted while its source is silent', async () => {
        const abort = new AbortController();
        const source = silent(Buffer.alloc(KIB));
        const writing = store.put(source.bytes, {
          tenant: 'a',
          owner: 'r1',
          mediaType: 'x',
          signal: abort.signal,
        });
        const outcome = expect(writing).rejects.toThrow('client left');
        await source.asked;
        abort.abort(new Error('client left'));
        await outcome;
        expect(await made.contents()).toEqual([]);
      });

      it('leaves nothing when it was aborted before', async () => {
        const signal = AbortSignal.abort(new Error('client left'));
        await expect(
          store.put(chunks(Buffer.from('x')), { tenant: 'a', owner: 'r1', mediaType: 'x', signal }),
        ).rejects.toThrow('client left');
        expect(await made.contents()).toEqual([]);
      });

      it('does not harm an equal blob that is there', async () => {
        const ref = await put('picture');
        await expect(
          store.put(broken(Buffer.from('picture')), { tenant: 'acme', owner: 'r1', mediaType: 'x' }),
        ).rejects.toThrow();
        expect(String(await store.read(ref))).toBe('picture');
      });

      it('is STORAGE_FULL over the quota, names the limit, and leaves nothing', async () => {
        await expect(put(Buffer.alloc(settings.maxBytes + 1))).rejects.toMatchObject({
          code: 'STORAGE_FULL',
          limit: { value: settings.maxBytes },
          retryAfterS: expect.any(Number),
        });
        expect(await made.contents()).toEqual([]);
        await put(Buffer.alloc(settings.maxBytes));
      });

      it('is STORAGE_FULL when references hold all the room, and succeeds once they are released', async () => {
        await put(Buffer.alloc(600_000), 'r1');
        await expect(put(Buffer.alloc(600_000, 'x'), 'r2')).rejects.toMatchObject({ code: 'STORAGE_FULL' });
        await store.release('r1', { linger: false });
        await put(Buffer.alloc(600_000, 'x'), 'r2');
      });
    });

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
        await made.dispose();
        await start({ maxBytes: 64 * MIB });
      });

      it('comes back as it was, whole and as a stream', async () => {
        const ref = await store.put(pieces(), largeOf('r1'));
        expect(ref.byteSize).toBe(large.length);
        expect((await store.read(ref)).equals(large)).toBe(true);
        expect((await readThrough(await made.another().open(ref))).equals(large)).toBe(true);
      });

      it('is stored once when it comes again', async () => {
        const first = await store.put(pieces(), largeOf('r1'));
        const contents = await made.contents();
        expect((await made.another().put(pieces(), largeOf('r1'))).name).toBe(first.name);
        expect(await made.contents()).toEqual(contents);
      });

      it.each([
        ['at the end of a part', 16 * MIB],
        ['in the middle of one', 17 * MIB],
      ])('leaves nothing when its source breaks %s', async (_where, bytes) => {
        const source = (async function* () {
          yield* pieces(bytes);
          throw new Error('upload broke');
        })();
        await expect(store.put(source, largeOf('r1'))).rejects.toThrow('upload broke');
        expect(await made.contents()).toEqual([]);
      });

      it('leaves nothing when it is aborted half way', async () => {
        const abort = new AbortController();
        const source = (async function* () {
          yield* pieces(17 * MIB);
          abort.abort(new Error('client left'));
          yield* pieces();
        })();
        const writing = store.put(source, { ...largeOf('r1'), signal: abort.signal });
        await expect(writing).rejects.toThrow('client left');
        expect(await made.contents()).toEqual([]);
      });

      it('is STORAGE_FULL as soon as it outgrows the quota, and leaves nothing', async () => {
        let given = 0;
        const endless = (async function* () {
          for (;;) {
            yield Buffer.alloc(MIB);
            given += 1;
          }
        })();
        await expect(store.put(endless, largeOf('r1'))).rejects.toMatchObject({ code: 'STORAGE_FULL' });
        expect(given).toBe(64);
        expect(await made.contents()).toEqual([]);
      });

      it('keeps apart what many put at once', async () => {
        const owners = ['r1', 'r2', 'r3'];
        const refs = await Promise.all(
          owners.map((owner, id) => store.put(pieces(large.length - id), largeOf(owner))),
        );
        for (const [id, ref] of refs.entries()) {
          expect((await store.read(ref)).equals(large.subarray(0, large.length - id))).toBe(true);
        }
      });
    });

    describe('locate', () => {
      it('names a file with the bytes, or none at all', async () => {
        const ref = await put('picture');
        const file = store.locate(ref);
        if (file === undefined) return;
        expect(file.path.endsWith(file.below)).toBe(true);
        expect(file.below.startsWith('/')).toBe(false);
        expect(await readFile(file.path, 'utf8')).toBe('picture');
      });

      it('names nothing outside of the store', async () => {
        const ref = await put('picture');
        expect(store.locate({ ...ref, name: '../../../../etc/passwd' })).toBeUndefined();
      });
    });

    describe('hold', () => {
      it('keeps a blob that whoever put it lets go', async () => {
        const ref = await put('picture', 'file-1');
        await made.another().hold(ref, { owner: 'r1' });
        await store.release('file-1', { linger: false });
        expect(String(await store.read(ref))).toBe('picture');
        await store.release('r1', { linger: false });
        expect(await isGone(ref)).toBe(true);
        expect(await made.contents()).toEqual([]);
      });

      it('brings back into use what lingers', async () => {
        const ref = await put('picture', 'r1');
        await store.release('r1', { linger: true });
        await store.hold(ref, { owner: 'r2' });
        await store.sweep(Date.now() + (settings.lingerS + 10) * 1_000);
        expect(String(await store.read(ref))).toBe('picture');
      });

      it('says GONE for what is not there, and holds nothing then', async () => {
        const ref = await put('picture', 'r1');
        await store.release('r1', { linger: false });
        for (const name of [ref.name, '0'.repeat(64), '../salt']) {
          await expect(store.hold({ ...ref, name }, { owner: 'r2' })).rejects.toMatchObject({ code: 'GONE' });
        }
        await store.release('r2', { linger: false });
        expect(await made.contents()).toEqual([]);
      });

      it('lasts until the time it was taken for, longer or shorter than that of a request', async () => {
        const hourMs = 3_600_000;
        const long = await put('long', 'file-1');
        await store.hold(long, { owner: 'file-1', untilMs: Date.now() + 24 * hourMs });
        const short = await put('short', 'r1');
        await store.hold(short, { owner: 'file-2', untilMs: Date.now() + 1_000 });
        await store.release('r1', { linger: true });
        await store.sweep(Date.now() + 0.9 * hourMs);
        expect([await isGone(long), await isGone(short)]).toEqual([false, true]);
        await store.sweep(Date.now() + 23 * hourMs);
        expect(await isGone(long)).toBe(false);
        await store.sweep(Date.now() + 25 * hourMs);
        expect(await isGone(long)).toBe(true);
        expect(await made.contents()).toEqual([]);
      });

      it.each([
        ['shorter', 60],
        ['longer', 7_200],
      ])(
        'lasts until that time also where requests have come to live %s',
        async (_name, maxReferenceAgeS) => {
          const hourMs = 3_600_000;
          const ref = await put('picture', 'file-1');
          await store.hold(ref, { owner: 'file-1', untilMs: Date.now() + 24 * hourMs });
          const restarted = made.another({ maxReferenceAgeS });
          await restarted.sweep(Date.now() + 23.9 * hourMs);
          expect(await isGone(ref)).toBe(false);
          await restarted.sweep(Date.now() + 24.1 * hourMs);
          expect(await isGone(ref)).toBe(true);
          expect(await made.contents()).toEqual([]);
        },
      );

      it('lasts until the time it was last taken for', async () => {
        const hourMs = 3_600_000;
        const ref = await put('picture', 'file-1');
        for (const hours of [3, 9, 6])
          await store.hold(ref, { owner: 'file-1', untilMs: Date.now() + hours * hourMs });
        await store.sweep(Date.now() + 5.9 * hourMs);
        expect(await isGone(ref)).toBe(false);
      });
    });

    describe('release', () => {
      it('without linger deletes at once what nobody else refers to', async () => {
        const own = await put('own', 'r1');
        const common = await put('common', 'r1');
        await put('common', 'r2', 'acme', made.another());
        await store.release('r1', { linger: false });
        expect([await isGone(own), await isGone(common)]).toEqual([true, false]);
        await store.release('r2', { linger: false });
        expect(await isGone(common)).toBe(true);
        expect(await made.contents()).toEqual([]);
      });

      it('with linger keeps the blob for the next turn', async () => {
        const ref = await put('picture', 'r1');
        await store.release('r1', { linger: true });
        expect(String(await store.read(ref))).toBe('picture');
        await store.release('r1', { linger: false });
        expect(await isGone(ref)).toBe(false);
      });

      it('deletes at once whatever is asked when nothing may linger', async () => {
        await made.dispose();
        await start({ lingerS: 0 });
        const ref = await put('picture', 'r1');
        await store.release('r1', { linger: true });
        expect(await isGone(ref)).toBe(true);
      });

      it('of an unknown owner does nothing, and owners may have any name', async () => {
        await store.release('nobody', { linger: false });
        const odd = ['../../escape', '.', 'ä/b\u0000c', 'x'.repeat(5_000)];
        const refs = await Promise.all(odd.map((owner) => put(owner, owner)));
        for (const owner of odd) await store.release(owner, { linger: false });
        expect(await Promise.all(refs.map(isGone))).toEqual([true, true, true, true]);
        expect(await made.contents()).toEqual([]);
      });

      it('does not disturb who is reading', async () => {
        const whole = Buffer.alloc(512 * KIB, 'picture');
        const ref = await put(whole);
        const stream = await store.open(ref);
        await store.release('r1', { linger: false });
        expect(await isGone(ref)).toBe(true);
        expect((await readThrough(stream)).equals(whole)).toBe(true);
      });
    });

    describe('sweep', () => {
      const later = (seconds: number): number => Date.now() + seconds * 1_000;

      it('deletes what lingered long enough, never what is referred to', async () => {
        const lingering = await put('lingering', 'r1');
        const held = await put('held', 'r2');
        await store.release('r1', { linger: true });
        expect((await store.sweep(later(settings.lingerS - 10))).deletedBlobs).toBe(0);
        expect(await store.sweep(later(settings.lingerS + 10))).toEqual({
          deletedBlobs: 1,
          deletedBytes: 9,
          droppedReferences: 0,
        });
        expect([await isGone(lingering), await isGone(held)]).toEqual([true, false]);
      });

      it('drops references and unfinished writes that outlived every request', async () => {
        const ref = await put('picture', 'r1');
        const source = silent(Buffer.alloc(KIB));
        const stop = new AbortController();
        const writing = store.put(source.bytes, {
          tenant: 'a',
          owner: 'r2',
          mediaType: 'x',
          signal: stop.signal,
        });
        const outcome = expect(writing).rejects.toThrow('stop');
        await source.asked;
        expect((await store.sweep(later(settings.maxReferenceAgeS - 10))).droppedReferences).toBe(0);
        expect(await isGone(ref)).toBe(false);
        expect(await store.sweep(later(settings.maxReferenceAgeS + 10))).toMatchObject({
          deletedBlobs: 1,
          droppedReferences: 1,
        });
        expect(await made.contents()).toEqual([]);
        stop.abort(new Error('stop'));
        await outcome;
      });

      it('makes room for a put from what lingers, least recently used first', async () => {
        const refs: BlobRef[] = [];
        for (const fill of ['a', 'b', 'c']) {
          refs.push(await put(Buffer.alloc(300_000, fill), fill));
        }
        for (const owner of ['b', 'a', 'c']) {
          await nextTickOfTheClock(made);
          await store.release(owner, { linger: true });
        }
        await put(Buffer.alloc(300_000, 'd'), 'd');
        expect(await Promise.all(refs.map(isGone))).toEqual([false, true, false]);
      });
    });

    describe('the same picture in many requests', () => {
      const later = (): number => Date.now() + (settings.lingerS + 10) * 1_000;
      const picture = Buffer.alloc(1_000, 'p');

      it('is stored once, one after the other', async () => {
        for (const owner of ['turn-1', 'turn-2', 'turn-3']) {
          await put(picture, owner);
          await store.release(owner, { linger: true });
        }
        expect(await store.sweep(later())).toMatchObject({ deletedBlobs: 1, deletedBytes: picture.length });
      });

      it('is stored once after a sweep at the latest, when they come at the same moment', async () => {
        const stores = [store, made.another(), made.another()];
        const owners = Array.from({ length: 12 }, (_, id) => `r${id}`);
        const refs = await Promise.all(
          owners.map((owner, id) => put(picture, owner, 'acme', stores[id % stores.length])),
        );
        expect(new Set(refs.map((ref) => ref.name)).size).toBe(1);
        await store.sweep(Date.now());
        for (const ref of refs) expect((await store.read(ref)).equals(picture)).toBe(true);
        await Promise.all(owners.map((owner) => store.release(owner, { linger: true })));
        expect(await store.sweep(later())).toMatchObject({ deletedBlobs: 1, deletedBytes: picture.length });
        expect(await made.contents()).toEqual([]);
      });

      it('counts towards the quota once', async () => {
        const half = Buffer.alloc(settings.maxBytes * 0.6, 'h');
        await put(half, 'r1');
        await store.sweep(Date.now());
        await store.release('r1', { linger: true });
        await put(half, 'r2');
        await expect(put(Buffer.alloc(settings.maxBytes * 0.6), 'r3')).rejects.toMatchObject({
          code: 'STORAGE_FULL',
        });
      });
    });

    describe('what a waiting job needs', () => {
      it('outlives sweeps and the want of room, however long ago it was used', async () => {
        const needed = await put(Buffer.alloc(500_000, 'n'), 'waiting');
        await nextTickOfTheClock(made);
        const spare = await put(Buffer.alloc(300_000, 's'), 'done');
        await store.release('done', { linger: true });
        await put(Buffer.alloc(400_000, 'x'), 'r1', 'other');
        expect([await isGone(needed), await isGone(spare)]).toEqual([false, true]);
        await expect(put(Buffer.alloc(200_000, 'y'), 'r2')).rejects.toMatchObject({ code: 'STORAGE_FULL' });
        await store.sweep(Date.now() + (settings.maxReferenceAgeS - 10) * 1_000);
        expect(await isGone(needed)).toBe(false);
      });

      it('is what was sent again last, not what was stored last', async () => {
        const [first, second] = [
          await put(Buffer.alloc(400_000, '1'), 'r1'),
          await put(Buffer.alloc(400_000, '2'), 'r2'),
        ];
        await store.release('r1', { linger: true });
        await store.release('r2', { linger: true });
        await nextTickOfTheClock(made);
        await put(Buffer.alloc(400_000, '1'), 'r3');
        await store.release('r3', { linger: true });
        await put(Buffer.alloc(400_000, '3'), 'r4');
        expect([await isGone(first), await isGone(second)]).toEqual([false, true]);
      });
    });

    describe('many at once', () => {
      it('never lose a blob that is referred to', async () => {
        const stores = [store, made.another(), made.another()];
        const user = async (id: number): Promise<void> => {
          for (let turn = 0; turn < 15; turn += 1) {
            const mine = stores[(id + turn) % stores.length] ?? store;
            const owner = `r-${id}-${turn}`;
            const text = `picture ${(id + turn) % 3}`;
            const ref = await put(text, owner, 'acme', mine);
            expect(String(await store.read(ref))).toBe(text);
            await (stores[id % stores.length] ?? store).release(owner, { linger: turn % 2 === 0 });
          }
        };
        const sweeper = async (sweeping: BlobStore): Promise<void> => {
          for (let turn = 0; turn < 30; turn += 1)
            await sweeping.sweep(Date.now() + (settings.lingerS + 10) * 1_000);
        };
        await Promise.all([...Array.from({ length: 8 }, (_, id) => user(id)), ...stores.map(sweeper)]);
        await store.sweep(Date.now() + (settings.lingerS + 10) * 1_000);
        expect(await made.contents()).toEqual([]);
      });
    });

    it('can tell that it is usable', async () => {
      await expect(store.check()).resolves.toBeUndefined();
      expect(await made.contents()).toEqual([]);
    });
  });
}
