import { connectRedis } from '@fovea/redis';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { ApiKeyStore } from './api-key-store.js';
import { CreatedKeys } from './created-keys.js';
import { createSecret, digestOf } from './key-secret.js';
import { createRedisApiKeyStore } from './redis-api-key-store.js';

describeIf(redisBinary, 'created API keys in Redis', () => {
  let server: RedisServer;
  let admin: ReturnType<typeof connectRedis>;
  let stores: [ApiKeyStore, ApiKeyStore];
  let here: CreatedKeys;
  let there: CreatedKeys;
  const tenants = new Set<string>();
  const options = { maxPerTenant: 2, isTenant: (tenant: string) => tenants.has(tenant) };

  beforeAll(async () => {
    server = await startRedisServer();
    admin = connectRedis({ url: server.url, clientName: 'admin' }, 'worker');
    const open = () => createRedisApiKeyStore({ url: server.url, clientName: 'test' });
    stores = [open(), open()];
  });
  beforeEach(async () => {
    await admin.flushall();
    for (const tenant of ['acme', 'other']) tenants.add(tenant);
    here = new CreatedKeys(stores[0], options);
    there = new CreatedKeys(stores[1], options);
  });
  afterAll(async () => {
    for (const store of stores) await store.close();
    admin.disconnect();
    await server.stop();
  });

  it('open the door of every gateway to their tenant, as no admin', async () => {
    const { secret } = await here.create('acme', 'ci');
    for (const gateway of [here, there]) {
      expect(await gateway.authenticate(secret)).toEqual({ tenant: 'acme', isAdmin: false });
    }
    expect(await here.authenticate(createSecret())).toBeUndefined();
  });

  it('are listed oldest first and to their tenant only', async () => {
    const first = await here.create('acme', 'größe 😀');
    const second = await here.create('acme', '');
    expect(await there.list('acme')).toEqual([first.key, second.key]);
    expect(await there.list('other')).toEqual([]);
  });

  it('leave no secret in Redis', async () => {
    const { secret } = await here.create('acme', 'ci');
    const stored: string[] = [];
    for (const key of await admin.keys('*')) {
      const type = await admin.type(key);
      stored.push(key, JSON.stringify(type === 'hash' ? await admin.hgetall(key) : await admin.get(key)));
    }
    const text = stored.join('\n');
    expect(text).toContain(digestOf(secret));
    expect(text).not.toContain(secret.slice(4, 20));
  });

  it('are refused at once where they are removed, and soon elsewhere', async () => {
    const { key, secret } = await here.create('acme', 'ci');
    await here.authenticate(secret);
    await there.authenticate(secret);
    await here.remove('acme', key.id);
    expect(await here.authenticate(secret)).toBeUndefined();
    while ((await there.authenticate(secret)) !== undefined) await new Promise((r) => setTimeout(r, 20));
    expect(await there.list('acme')).toEqual([]);
    expect(await admin.keys('*')).toEqual([]);
  });

  it('of another tenant cannot be removed, nor one that is gone', async () => {
    const { key, secret } = await here.create('acme', 'ci');
    const missing = { code: 'NOT_FOUND', param: 'token_id' };
    await expect(here.remove('other', key.id)).rejects.toMatchObject(missing);
    await expect(here.remove('acme', 'nobody')).rejects.toMatchObject(missing);
    expect(await here.authenticate(secret)).toBeDefined();
    await here.remove('acme', key.id);
    await expect(here.remove('acme', key.id)).rejects.toMatchObject(missing);
  });

  it('are as many as a tenant may have, however many ask at once', async () => {
    const creating = Array.from({ length: 10 }, () => here.create('acme', 'ci'));
    const outcomes = await Promise.allSettled(creating);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    await expect(here.create('acme', 'ci')).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      limit: { name: 'max_api_keys_per_tenant', value: 2 },
    });
    await here.create('other', 'ci');
  });

  it('end with their tenant', async () => {
    const { secret } = await here.create('acme', 'ci');
    tenants.delete('acme');
    expect(await here.authenticate(secret)).toBeUndefined();
  });

  it('take a description of 256 characters and no longer one', async () => {
    expect((await here.create('acme', '😀'.repeat(256))).key.description).toHaveLength(512);
    await expect(here.create('acme', 'x'.repeat(257))).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      param: 'description',
      limit: { name: 'max_api_key_description_chars', value: 256, actual: 257 },
    });
  });

  it('ask the client to come again when Redis does not answer', async () => {
    const away = createRedisApiKeyStore({ url: 'redis://127.0.0.1:1', clientName: 'test' });
    const keys = new CreatedKeys(away, options);
    const unavailable = { code: 'SERVICE_UNAVAILABLE', status: 503, retryAfterS: 2 };
    await expect(keys.authenticate(createSecret())).rejects.toMatchObject(unavailable);
    await expect(keys.list('acme')).rejects.toMatchObject(unavailable);
    expect(await keys.authenticate('not-one-of-ours')).toBeUndefined();
    await away.close();
  });
});
