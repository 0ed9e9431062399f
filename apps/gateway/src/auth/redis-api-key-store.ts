import { apiKeyKey, connectRedis, defineScript, type RedisSettings, tenantKey } from '@fovea/redis';
import {
  ApiKeyStore,
  type KeyOwner,
  keyOwnerSchema,
  type StoredKey,
  storedKeySchema,
} from './api-key-store.js';

/*
 *     {t:<tenant>}:api-keys   hash     id → key as JSON
 *     api-key:<digest>        string   owner as JSON
 */
const keysOf = (tenant: string): string => tenantKey(tenant, 'api-keys');

/**
 * KEYS keys of the tenant
 * ARGV id, value, max keys
 * Returns 1, or 0 when the limit leaves no room
 */
const addScript = defineScript(`
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
`);

const parse = (value: string): StoredKey => storedKeySchema.parse(JSON.parse(value));

class RedisApiKeyStore extends ApiKeyStore {
  readonly #client: ReturnType<typeof connectRedis>;

  constructor(settings: RedisSettings) {
    super();
    this.#client = connectRedis(settings, 'producer');
  }

  async add(tenant: string, key: StoredKey, maxKeys: number): Promise<boolean> {
    const values = [key.id, JSON.stringify(key), maxKeys];
    if ((await addScript.run(this.#client, [keysOf(tenant)], values)) !== 1) return false;
    const owner: KeyOwner = { tenant, id: key.id };
    await this.#client.set(apiKeyKey(key.digest), JSON.stringify(owner));
    return true;
  }

  async list(tenant: string): Promise<StoredKey[]> {
    const keys = (await this.#client.hvals(keysOf(tenant))).map(parse);
    return keys.sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  }

  async remove(tenant: string, id: string): Promise<boolean> {
    const value = await this.#client.hget(keysOf(tenant), id);
    if (value === null) return false;
    await this.#client.del(apiKeyKey(parse(value).digest));
    return (await this.#client.hdel(keysOf(tenant), id)) === 1;
  }

  async owner(digest: string): Promise<KeyOwner | undefined> {
    const value = await this.#client.get(apiKeyKey(digest));
    return value === null ? undefined : keyOwnerSchema.parse(JSON.parse(value));
  }

  close(): Promise<void> {
    this.#client.disconnect();
    return Promise.resolve();
  }
}

/** An `ApiKeyStore` on Redis, with one connection. */
export function createRedisApiKeyStore(settings: RedisSettings): ApiKeyStore {
  return new RedisApiKeyStore(settings);
}
