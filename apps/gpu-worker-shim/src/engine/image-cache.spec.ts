import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ImageCache, imageDigest } from './image-cache.js';

const features = (floats: number) => ({ grid: 'one tile', embeddings: new Float32Array(floats) });
const never = new AbortController().signal;

describe('an image digest', () => {
  it('tells apart bytes and settings', async () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const digests = await Promise.all([
      imageDigest({ bytes }, 'a'),
      imageDigest({ bytes: bytes.slice() }, 'a'),
      imageDigest({ bytes }, 'b'),
      imageDigest({ bytes: Uint8Array.of(1, 2, 4) }, 'a'),
      imageDigest({ bytes: Uint8Array.of(0, 1, 2, 3).subarray(1) }, 'a'),
    ]);
    expect(digests.map((digest) => digests.indexOf(digest))).toEqual([0, 0, 2, 3, 0]);
  });
});

describe('the digest of a large image', () => {
  it('is that of all its bytes, the same as where somebody else has hashed them', async () => {
    const bytes = Uint8Array.from({ length: 2.5 * 2 ** 20 }, (_, at) => at % 251);
    const sha256 = createHash('sha256').update(bytes).digest('base64url');
    expect(await imageDigest({ bytes }, 'a')).toBe(
      await imageDigest({ bytes: new Uint8Array(), sha256 }, 'a'),
    );
  });
});

describe('the image cache', () => {
  it('encodes an image once', async () => {
    const cache = new ImageCache<string>(1000);
    const made = features(10);
    expect(cache.find('a')).toBeUndefined();
    expect(await cache.encode('a', async () => made, never)).toBe(made);
    expect(cache.find('a')).toBe(made);
    expect(cache.bytes).toBe(40);
  });

  it('drops what was not used for longest when it is full, and keeps nothing too large', async () => {
    const cache = new ImageCache<string>(100);
    for (const name of ['a', 'b']) await cache.encode(name, async () => features(10), never);
    cache.find('a');
    await cache.encode('c', async () => features(10), never);
    expect(['a', 'b', 'c'].filter((name) => cache.find(name) !== undefined)).toEqual(['a', 'c']);
    await cache.encode('large', async () => features(26), never);
    expect(cache.find('large')).toBeUndefined();
    expect(cache.bytes).toBe(80);
  });

  it('lets those who ask at the same time wait for one encoding', async () => {
    const cache = new ImageCache<string>(1000);
    let runs = 0;
    const encode = async () => {
      runs += 1;
      return features(1);
    };
    const all = await Promise.all([1, 2, 3].map(() => cache.encode('a', encode, never)));
    expect(runs).toBe(1);
    expect(new Set(all).size).toBe(1);
  });

  it('goes on for those who still wait when one leaves, and gives up when all have left', async () => {
    const cache = new ImageCache<string>(1000);
    const [one, two] = [new AbortController(), new AbortController()];
    let given: AbortSignal | undefined;
    let finish: () => void = () => undefined;
    const encode = (signal: AbortSignal) => {
      given = signal;
      return new Promise<ReturnType<typeof features>>((resolve, reject) => {
        finish = () => resolve(features(1));
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    };
    const first = cache.encode('a', encode, one.signal);
    const second = cache.encode('a', encode, two.signal);
    one.abort(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    expect(given?.aborted).toBe(false);
    finish();
    expect((await second).grid).toBe('one tile');

    const third = cache.encode('b', encode, one.signal);
    await expect(third).rejects.toThrow('gone');
    const left = new AbortController();
    const fourth = cache.encode('b', encode, left.signal);
    left.abort(new Error('left'));
    await expect(fourth).rejects.toThrow('left');
    expect(given?.aborted).toBe(true);
    expect(await cache.encode('b', async () => features(2), never)).toMatchObject({ grid: 'one tile' });
  });

  it('keeps nothing of an encoding that failed', async () => {
    const cache = new ImageCache<string>(1000);
    const fail = async () => {
      throw new Error('out of memory');
    };
    await expect(cache.encode('a', fail, never)).rejects.toThrow('out of memory');
    expect(await cache.encode('a', async () => features(3), never)).toMatchObject({ grid: 'one tile' });
  });
});
