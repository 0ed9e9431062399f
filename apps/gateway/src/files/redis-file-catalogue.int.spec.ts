import { connectRedis } from '@fovea/redis';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { FileCatalogue, StoredFile } from './file-catalogue.js';
import { createRedisFileCatalogue } from './redis-file-catalogue.js';

const nowMs = Date.now();
const roomy = { maxFiles: 10, maxBytes: 1_000 };

const file = (id: string, changes: Partial<StoredFile> = {}): StoredFile => ({
  id,
  blob: { name: 'a'.repeat(64), mediaType: 'image/png', byteSize: 100, width: 2, height: 3 },
  fileName: 'größe "1".png',
  purpose: 'vision',
  createdAtMs: nowMs,
  expiresAtMs: nowMs + 60_000,
  ...changes,
});

describeIf(redisBinary, 'the Redis file catalogue', () => {
  let server: RedisServer;
  let admin: ReturnType<typeof connectRedis>;
  let catalogue: FileCatalogue;
  beforeAll(async () => {
    server = await startRedisServer();
    admin = connectRedis({ url: server.url, clientName: 'admin' }, 'worker');
    catalogue = createRedisFileCatalogue({ url: server.url, clientName: 'test' });
  });
  beforeEach(async () => {
    await admin.flushall();
  });
  afterAll(async () => {
    await catalogue.close();
    admin.disconnect();
    await server.stop();
  });

  it('gives back what was added, to its tenant only', async () => {
    const stored = file('file-1');
    expect(await catalogue.add('acme', stored, roomy)).toBe(true);
    expect(await catalogue.find('acme', ['file-1', 'file-2'], nowMs)).toEqual(new Map([['file-1', stored]]));
    expect(await catalogue.find('other', ['file-1'], nowMs)).toEqual(new Map());
    expect(await catalogue.list('other', nowMs)).toEqual([]);
    expect(await catalogue.remove('other', 'file-1', nowMs)).toBe(false);
    expect(await catalogue.list('acme', nowMs)).toEqual([stored]);
  });

  it('lists the oldest first', async () => {
    for (const id of ['file-2', 'file-3', 'file-1']) await catalogue.add('acme', file(id), roomy);
    expect((await catalogue.list('acme', nowMs)).map(({ id }) => id)).toEqual(['file-1', 'file-2', 'file-3']);
  });

  it('finds any number of files, and none among none', async () => {
    const ids = Array.from({ length: 1_200 }, (_, index) => `file-${index}`);
    const limits = { maxFiles: 2_000, maxBytes: 1_000_000 };
    await Promise.all(ids.map((id) => catalogue.add('acme', file(id), limits)));
    expect([...(await catalogue.find('acme', ids, nowMs)).keys()]).toEqual(ids);
    expect(await catalogue.find('acme', [], nowMs)).toEqual(new Map());
  });

  it('keeps to the limits however many add at once', async () => {
    const add = (id: number): Promise<boolean> => catalogue.add('acme', file(`file-${id}`), roomy);
    const added = await Promise.all(Array.from({ length: 30 }, (_, id) => add(id)));
    expect(added.filter(Boolean)).toHaveLength(10);
    expect(await catalogue.usage('acme')).toEqual({ files: 10, bytes: 1_000, nextExpiryMs: nowMs + 60_000 });
    const few = { maxFiles: 10, maxBytes: 199 };
    expect(await catalogue.add('other', file('file-1'), few)).toBe(true);
    expect(await catalogue.add('other', file('file-2'), few)).toBe(false);
    expect(await catalogue.usage('other')).toMatchObject({ files: 1, bytes: 100 });
  });

  it('removes a file once, and counts it no longer', async () => {
    await catalogue.add('acme', file('file-1'), roomy);
    const removed = await Promise.all([1, 2, 3].map(() => catalogue.remove('acme', 'file-1', nowMs)));
    expect(removed.filter(Boolean)).toHaveLength(1);
    expect(await catalogue.usage('acme')).toEqual({ files: 0, bytes: 0, nextExpiryMs: undefined });
    expect(await admin.keys('*')).toEqual([]);
  });

  it('does not know an expired file, and hands it over once', async () => {
    await catalogue.add('acme', file('file-1', { expiresAtMs: nowMs + 10 }), roomy);
    await catalogue.add('acme', file('file-2'), roomy);
    const then = nowMs + 10;
    expect(await catalogue.find('acme', ['file-1'], then)).toEqual(new Map());
    expect((await catalogue.list('acme', then)).map(({ id }) => id)).toEqual(['file-2']);
    expect(await catalogue.remove('acme', 'file-1', then)).toBe(false);
    expect(await catalogue.takeExpired('acme', then - 1)).toEqual([]);
    expect(await catalogue.takeExpired('acme', then)).toEqual(['file-1']);
    expect(await catalogue.takeExpired('acme', then)).toEqual([]);
    expect(await catalogue.usage('acme')).toMatchObject({ files: 1, bytes: 100 });
  });

  it('leaves no key of a tenant for ever, and no key outside the hash tag', async () => {
    await catalogue.add('ac}me', file('file-1', { expiresAtMs: nowMs + 60_000 }), roomy);
    await catalogue.add('ac}me', file('file-2', { expiresAtMs: nowMs + 30_000 }), roomy);
    const keys = await admin.keys('*');
    expect(keys).toHaveLength(3);
    for (const key of keys) {
      expect(key).toMatch(/^\{f:ac%7Dme\}:/);
      expect(await admin.pexpiretime(key)).toBe(nowMs + 60_000 + 86_400_000);
    }
  });
});
