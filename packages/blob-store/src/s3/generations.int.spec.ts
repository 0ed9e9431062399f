import { describeIf, type S3Server, s3Binary, startS3Server } from '@fovea/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { BlobStore } from '../index.js';
import { TestBucket } from './conformance/test-bucket.js';
import { condemn, mergeGenerations, point, settle } from './generations.js';
import { keys } from './layout.js';
import { readRecord } from './records.js';

const DAY_MS = 86_400_000;

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

describeIf(s3Binary, 'a removal from a bucket', () => {
  let server: S3Server;
  let made: TestBucket;
  let store: BlobStore;
  beforeAll(async () => {
    server = await startS3Server();
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    made = new TestBucket(server);
    store = made.store();
  });

  const put = (text: string, owner: string) =>
    store.put(bytesOf(text), { tenant: 'acme', owner, mediaType: 'image/png' });
  /** R1 and R2 of a blob that lingers. */
  const beginRemoval = async (name: string) => {
    const record = await readRecord(made.bucket, name);
    return condemn(made.bucket, record, [...record.pointers.keys()]);
  };
  const generationsOf = async (name: string) => [...(await readRecord(made.bucket, name)).pointers.keys()];

  it('leaves the blob when a put took a reference before it looked', async () => {
    const ref = await put('picture', 'r1');
    const removal = await beginRemoval(ref.name);
    expect(await settle(made.bucket, removal)).toBeUndefined();
    expect(String(await store.read(ref))).toBe('picture');
    expect((await readRecord(made.bucket, ref.name)).markers).toEqual([]);
  });

  it('takes only what it announced when a put comes in between, which stores bytes of its own', async () => {
    const ref = await put('picture', 'r1');
    await store.release('r1', { linger: true });
    const removal = await beginRemoval(ref.name);
    await put('picture', 'r2');
    // The put's reference saves both; then the second is let go, and another removal meets the first.
    expect(await generationsOf(ref.name)).toHaveLength(2);
    await store.release('r2', { linger: true });
    expect(await settle(made.bucket, removal)).toBe(7);
    expect(await generationsOf(ref.name)).toHaveLength(1);
    expect(String(await store.read(ref))).toBe('picture');
  });

  it('is not trusted by a hold, which copies what is announced to go while it is there', async () => {
    const ref = await put('picture', 'r1');
    await store.release('r1', { linger: true });
    const removal = await beginRemoval(ref.name);
    await store.hold(ref, { owner: 'r2' });
    expect(await generationsOf(ref.name)).toHaveLength(2);
    // As if the removal had looked for references before the hold.
    await store.release('r2', { linger: true });
    await settle(made.bucket, removal);
    expect(await generationsOf(ref.name)).toHaveLength(1);
    expect(String(await store.read(ref))).toBe('picture');
  });

  it('does not disturb another one of the same blob', async () => {
    const ref = await put('picture', 'r1');
    await store.release('r1', { linger: true });
    const [first, second] = [await beginRemoval(ref.name), await beginRemoval(ref.name)];
    await settle(made.bucket, first);
    await settle(made.bucket, second);
    expect(await made.contents()).toEqual([]);
  });

  it('that died is finished by the next sweep, or forgotten when the blob is in use again', async () => {
    const free = await put('free', 'r1');
    const used = await put('used', 'r2');
    await store.release('r1', { linger: true });
    await beginRemoval(free.name);
    await beginRemoval(used.name);
    await store.hold(used, { owner: 'r3', untilMs: Date.now() + 3 * DAY_MS });
    expect(await store.sweep(Date.now() + DAY_MS)).toMatchObject({ deletedBlobs: 1, deletedBytes: 4 });
    expect(String(await store.read(used))).toBe('used');
    expect((await readRecord(made.bucket, used.name)).markers).toEqual([]);
  });

  it('that died between the data and the pointer misleads nobody', async () => {
    const ref = await put('picture', 'r1');
    const [generation = ''] = await generationsOf(ref.name);
    await made.bucket.remove(keys.data(generation));
    await expect(store.read(ref)).rejects.toMatchObject({ code: 'GONE' });
    await put('picture', 'r2');
    expect(String(await store.read(ref))).toBe('picture');
    await store.release('r1', { linger: false });
    await store.release('r2', { linger: false });
    expect(await made.contents()).toEqual([]);
  });

  it('of a surplus generation leaves one, also when two clean up at once', async () => {
    const ref = await put('picture', 'r1');
    for (const generation of ['0-second', 'z-third']) {
      await made.bucket.put(keys.data(generation), Buffer.from('picture'));
      await point(made.bucket, ref.name, generation);
    }
    await Promise.all([mergeGenerations(made.bucket, ref.name), mergeGenerations(made.bucket, ref.name)]);
    expect(await generationsOf(ref.name)).toEqual(['0-second']);
    expect(String(await store.read(ref))).toBe('picture');
    expect((await made.contents()).filter((key) => key.startsWith('data/'))).toEqual(['data/0-second']);
  });

  it('finds data whose put died before it wrote the pointer, but none that are young', async () => {
    await made.bucket.put(keys.data('orphan'), Buffer.from('picture'));
    await store.sweep(Date.now());
    expect(await made.contents()).toEqual(['data/orphan']);
    await store.sweep(Date.now() + DAY_MS);
    expect(await made.contents()).toEqual([]);
  });

  it('drops halves of references, as crashes leave them', async () => {
    const reference = { name: '0'.repeat(64), ownerKey: 'r1', untilMs: undefined };
    await made.bucket.put(keys.reference(reference));
    await made.bucket.put(keys.ownedBlob({ ...reference, ownerKey: 'r2' }));
    expect((await store.sweep(Date.now() + DAY_MS)).droppedReferences).toBe(1);
    expect(await made.contents()).toEqual([]);
  });
});
