import { describe, expect, it } from '@jest/globals';
import { PrefixCache, type TokenPrefix } from './prefix-cache.js';

interface Cache {
  readonly length: number;
  readonly of: string;
}

const truncate = ({ of }: Cache, length: number): Cache => ({ of, length });
const create = (maxTokens: number) => new PrefixCache<Cache>({ truncate, bytesPerToken: 10 }, maxTokens * 10);

const prefix = (ids: readonly number[], salt = '', images: TokenPrefix['images'] = []): TokenPrefix => ({
  ids: Int32Array.from(ids),
  imageTokenId: 99,
  images,
  salt,
});
const run = (id: number, count: number): number[] => new Array<number>(count).fill(id);
const put = (cache: PrefixCache<Cache>, of: string, key: TokenPrefix) =>
  cache.put(key, { of, length: key.ids.length });

describe('the prefix cache', () => {
  it('finds the longest beginning in whole blocks and leaves a token to run', () => {
    const cache = create(1000);
    put(cache, 'a', prefix(run(1, 40)));
    put(cache, 'b', prefix([...run(1, 20), ...run(2, 40)]));
    expect(cache.find(prefix([...run(1, 20), ...run(2, 30), 7]))).toEqual({ of: 'b', length: 48 });
    expect(cache.find(prefix(run(1, 40)))).toEqual({ of: 'a', length: 32 });
    expect(cache.find(prefix(run(1, 33)))).toEqual({ of: 'a', length: 32 });
    expect(cache.find(prefix(run(1, 32)))).toEqual({ of: 'a', length: 16 });
    expect(cache.find(prefix(run(1, 15)))).toBeUndefined();
    expect(cache.find(prefix(run(3, 50)))).toBeUndefined();
    expect(cache.queries).toBe(51 + 40 + 33 + 32 + 15 + 50);
    expect(cache.hits).toBe(48 + 32 + 32 + 16);
  });

  it('keeps apart what has another salt', () => {
    const cache = create(1000);
    put(cache, 'a', prefix(run(1, 40), 'mine'));
    expect(cache.find(prefix(run(1, 40), 'yours'))).toBeUndefined();
    expect(cache.find(prefix(run(1, 40), 'mine'))?.of).toBe('a');
  });

  it('takes equal image tokens for equal only where the images are, the second one as well', () => {
    const cache = create(1000);
    const ids = [...run(1, 16), ...run(99, 16), ...run(2, 16), ...run(99, 16), ...run(3, 16)];
    const images = (...digests: string[]) => digests.map((digest) => ({ digest, tokens: 16 }));
    put(cache, 'a', prefix(ids, '', images('cat', 'dog')));
    expect(cache.find(prefix(ids, '', images('cat', 'dog')))?.length).toBe(64);
    expect(cache.find(prefix(ids, '', images('cat', 'cow')))?.length).toBe(48);
    expect(cache.find(prefix(ids, '', images('dog', 'cat')))?.length).toBe(16);
    expect(cache.find(prefix(ids, '', images('cat')))?.length).toBe(48);
  });

  it('drops what was not used for longest, and what is only the beginning of another', () => {
    const cache = create(100);
    put(cache, 'a', prefix(run(1, 32)));
    put(cache, 'b', prefix(run(2, 32)));
    expect(cache.find(prefix(run(1, 40)))?.of).toBe('a');
    put(cache, 'c', prefix(run(3, 48)));
    expect(cache.find(prefix(run(2, 40)))).toBeUndefined();
    expect(cache.bytes).toBe(800);
    put(cache, 'longer', prefix([...run(1, 32), 5, 5]));
    expect(cache.bytes).toBe(820);
    expect(cache.find(prefix(run(1, 40)))?.of).toBe('longer');
    // Already known as a whole.
    put(cache, 'again', prefix(run(1, 32)));
    expect(cache.bytes).toBe(820);
  });

  it('keeps nothing that is larger than itself, or nothing at all', () => {
    const cache = create(20);
    put(cache, 'a', prefix(run(1, 21)));
    expect(cache.bytes).toBe(0);
    const none = create(0);
    put(none, 'a', prefix(run(1, 16)));
    expect(none.find(prefix(run(1, 20)))).toBeUndefined();
  });
});
