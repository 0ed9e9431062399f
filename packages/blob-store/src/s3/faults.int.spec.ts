import { randomBytes } from 'node:crypto';
import {
  describeIf,
  type FaultProxy,
  type S3Server,
  s3Binary,
  startFaultProxy,
  startS3Server,
} from '@fovea/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { BlobStore } from '../index.js';
import { TestBucket } from './conformance/test-bucket.js';
import { createS3BlobStore } from './s3-blob-store.js';

const MIB = 1024 * 1024;

async function* bytesOf(whole: Buffer): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < whole.length; from += 65_536) yield whole.subarray(from, from + 65_536);
}

const errorXml = (code: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>told so</Message></Error>`;

describeIf(s3Binary, 'a bucket that fails', () => {
  let server: S3Server;
  let proxy: FaultProxy;
  let made: TestBucket;
  let store: BlobStore;
  beforeAll(async () => {
    server = await startS3Server();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    proxy = await startFaultProxy(server.endpoint);
    made = new TestBucket(server, proxy.url);
    store = made.store();
  });
  afterEach(() => proxy.stop());

  const put = (whole: Buffer, owner = 'r1', signal?: AbortSignal) =>
    store.put(bytesOf(whole), {
      tenant: 'acme',
      owner,
      mediaType: 'image/png',
      ...(signal === undefined ? {} : { signal }),
    });
  const asked = (pattern: RegExp): number => proxy.asked.filter((request) => pattern.test(request)).length;
  /** Does something to the first `times` requests that match. */
  const fail = (pattern: RegExp, fault: ReturnType<FaultProxy['plan']>, times = Number.POSITIVE_INFINITY) => {
    let left = times;
    proxy.plan = ({ method, url }) => {
      if (!pattern.test(`${method} ${url}`) || left === 0) return undefined;
      left -= 1;
      return fault;
    };
  };

  it.each([
    ['507', { status: 507, body: errorXml('XMinioStorageFull') }],
    ['the code of a bucket over its quota', { status: 403, body: errorXml('QuotaExceeded') }],
  ])('is STORAGE_FULL by %s in the middle of a put, which leaves nothing', async (_name, fault) => {
    fail(/^PUT .*partNumber=2/, fault);
    await expect(put(randomBytes(30 * MIB))).rejects.toMatchObject({
      code: 'STORAGE_FULL',
      retryAfterS: expect.any(Number),
    });
    expect(asked(/^DELETE .*uploadId=/)).toBe(1);
    expect(await made.contents()).toEqual([]);
  });

  it('ends a put whose part is refused, although its source is silent', async () => {
    fail(/^PUT .*partNumber=/, { status: 403, body: errorXml('AccessDenied') });
    const source = (async function* () {
      yield* bytesOf(Buffer.alloc(9 * MIB));
      await new Promise(() => {});
    })();
    const writing = store.put(source, { tenant: 'acme', owner: 'r1', mediaType: 'x' });
    await expect(writing).rejects.toMatchObject({ code: 'AccessDenied', status: 403 });
    expect(await made.contents()).toEqual([]);
  });

  it('is asked again after 503 and after a broken connection', async () => {
    const whole = randomBytes(20 * MIB);
    fail(/^PUT .*partNumber=1/, { status: 503, body: errorXml('SlowDown') }, 1);
    const first = await put(whole, 'r1');
    fail(/^PUT .*partNumber=2/, { losesAnswer: true }, 1);
    await store.release('r1', { linger: false });
    expect((await put(whole, 'r2')).name).toBe(first.name);
    expect((await store.read(first)).equals(whole)).toBe(true);
  });

  it('has completed an upload although the answer was lost', async () => {
    const whole = randomBytes(20 * MIB);
    fail(/^POST .*uploadId=/, { losesAnswer: true }, 1);
    const ref = await put(whole);
    expect(asked(/^POST .*uploadId=/)).toBe(2);
    expect((await store.read(ref)).equals(whole)).toBe(true);
  });

  it('is sent nothing of a small picture that it has already', async () => {
    const ref = await put(randomBytes(100_000), 'r1');
    const whole = await store.read(ref);
    const before = asked(/^PUT .*\/data\//);
    await put(whole, 'r2');
    expect(asked(/^PUT .*\/data\//)).toBe(before);
  });

  it('gets every byte once, and copies none', async () => {
    await put(randomBytes(20 * MIB));
    expect(asked(/^PUT .*partNumber=/)).toBe(3);
    expect(asked(/^PUT .*\/data\/[^?]*(\?x-id=PutObject)?$/)).toBe(0);
  });

  it('lets go of what it does not answer when the client leaves', async () => {
    fail(/^PUT .*partNumber=/, {});
    const abort = new AbortController();
    const whole = randomBytes(20 * MIB);
    const writing = put(whole, 'r1', abort.signal);
    const outcome = expect(writing).rejects.toThrow('client left');
    while (asked(/^PUT .*partNumber=/) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    abort.abort(new Error('client left'));
    await outcome;
    expect(await made.contents()).toEqual([]);
  });

  it('keeps what others may rely on when nobody knows whether the pointer was written', async () => {
    fail(/^PUT .*\/names\/.*\/at\./, { losesAnswer: true });
    const whole = randomBytes(1_000);
    await expect(put(whole, 'r1')).rejects.toMatchObject({ name: 'S3RequestError' });
    proxy.plan = () => undefined;
    const ref = await put(whole, 'r2');
    await store.release('r1', { linger: false });
    expect((await store.read(ref)).equals(whole)).toBe(true);
  });

  it('says in its errors nothing of keys and signatures', async () => {
    fail(/^GET .*\/data\//, { status: 403, body: errorXml('SignatureDoesNotMatch') });
    const ref = await put(randomBytes(10));
    const error: unknown = await store.read(ref).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ message: 'S3 GetObject: SignatureDoesNotMatch (403)' });
    const everything = JSON.stringify(error, Object.getOwnPropertyNames(error));
    expect(everything).not.toContain(server.accessKeyId);
    expect(everything).not.toContain(server.secretAccessKey);
  });

  it('that is killed in the middle of puts loses nothing that was promised', async () => {
    const others = randomBytes(2 * MIB);
    const promised = await put(others, 'r1');
    const halfWay = (async function* () {
      yield* bytesOf(randomBytes(17 * MIB));
      await server.kill();
      await server.restart();
      yield* bytesOf(randomBytes(9 * MIB));
    })();
    const ref = await store
      .put(halfWay, { tenant: 'acme', owner: 'r2', mediaType: 'x' })
      .catch(() => undefined);
    if (ref !== undefined) expect(await store.read(ref)).toHaveLength(26 * MIB);
    expect((await store.read(promised)).equals(others)).toBe(true);
    for (const owner of ['r1', 'r2']) await store.release(owner, { linger: false });
    await store.sweep(Date.now() + 3_700_000);
    expect(await made.contents()).toEqual([]);
  });

  describe('says plainly why it cannot be used', () => {
    const storeWith = (location: object, keys = {}): BlobStore =>
      createS3BlobStore({
        location: { ...made.location, ...location },
        credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey, ...keys },
        lingerS: 600,
        maxReferenceAgeS: 3_600,
      });

    it.each([
      ['a bucket that is not there', { bucket: 'nowhere' }, {}, 'the bucket nowhere does not exist'],
      ['a wrong secret', {}, { secretAccessKey: 'wrong' }, 'does not accept the credentials'],
      [
        'nobody at the address',
        { endpoint: 'http://127.0.0.1:1' },
        {},
        'http://127.0.0.1:1 cannot be reached',
      ],
    ])('%s', async (_name, location, keys, reason) => {
      await expect(storeWith(location, keys).check()).rejects.toThrow(reason);
    });
  });
});
