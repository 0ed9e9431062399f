import { connectRedis } from '@fovea/redis';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { createRedisRequestJournal } from './redis-request-journal.js';
import type { JournalEntry, RequestJournal } from './request-journal.js';

const entry = (model: string, changes: Partial<JournalEntry> = {}): JournalEntry => ({
  arrivedAtMs: Date.now() - 100,
  model,
  route: 'chat/completions',
  promptTokens: 40,
  images: 1,
  completionTokens: 7,
  durationMs: 100,
  ...changes,
});

describeIf(redisBinary, 'the request journal in Redis', () => {
  let server: RedisServer;
  let admin: ReturnType<typeof connectRedis>;
  let journal: RequestJournal;
  let off: RequestJournal;
  beforeAll(async () => {
    server = await startRedisServer();
    const settings = { url: server.url, clientName: 'test' };
    admin = connectRedis(settings, 'worker');
    journal = createRedisRequestJournal(settings, 3_600);
    off = createRedisRequestJournal(settings, 0);
  });
  beforeEach(async () => {
    await admin.flushall();
  });
  afterAll(async () => {
    await Promise.all([journal.close(), off.close()]);
    admin.disconnect();
    await server.stop();
  });
  const models = async (tenant: string) => (await journal.latest(tenant)).map(({ model }) => model);

  it('shows the last ten of a tenant, latest first, and nobody else’s', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `m${index}`);
    for (const name of names) await journal.record('acme', entry(name));
    await journal.record('other', entry('theirs'));
    expect(await models('acme')).toEqual(names.reverse().slice(0, 10));
    expect(await models('other')).toEqual(['theirs']);
    expect(await models('nobody')).toEqual([]);
  });

  it('gives back an entry whole', async () => {
    const written = entry('ocr');
    await journal.record('a}:b', written);
    expect(await journal.latest('a}:b')).toEqual([written]);
  });

  it('forgets: an entry after its time, a tenant that does not come back wholly', async () => {
    await journal.record('acme', entry('old', { arrivedAtMs: Date.now() - 3_600_200 }));
    await journal.record('acme', entry('new'));
    expect(await models('acme')).toEqual(['new']);
    const [key = ''] = await admin.keys('*');
    expect(await admin.ttl(key)).toBeGreaterThan(3_500);
    expect(await admin.ttl(key)).toBeLessThanOrEqual(3_600);
  });

  it('that is turned off writes nothing and shows nothing', async () => {
    await off.record('acme', entry('ocr'));
    expect(await admin.keys('*')).toEqual([]);
    await journal.record('acme', entry('ocr'));
    expect(await off.latest('acme')).toEqual([]);
  });
});
