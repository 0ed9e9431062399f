import { connectRedis, type RedisSettings, type Script } from '@fovea/redis';
import { z } from 'zod';
import {
  addScript,
  catalogueKeys,
  removeScript,
  takeExpiredScript,
  usageScript,
} from './catalogue-scripts.js';
import {
  FileCatalogue,
  type FileLimits,
  type FileUsage,
  type StoredFile,
  storedFileSchema,
} from './file-catalogue.js';

const idsReply = z.array(z.string());
const usageReply = z.tuple([z.number(), z.number(), z.union([z.literal(''), z.coerce.number()])]);

/** So many ids are looked up at once. */
const FIND_BATCH = 500;

const toValue = (file: StoredFile): string => `${file.blob.byteSize} ${JSON.stringify(file)}`;

function fromValue(value: string): StoredFile {
  const json: unknown = JSON.parse(value.slice(value.indexOf(' ') + 1));
  return storedFileSchema.parse(json);
}

class RedisFileCatalogue extends FileCatalogue {
  readonly #client: ReturnType<typeof connectRedis>;

  constructor(settings: RedisSettings) {
    super();
    this.#client = connectRedis(settings, 'producer');
  }

  async add(tenant: string, file: StoredFile, { maxFiles, maxBytes }: FileLimits): Promise<boolean> {
    const { id, blob, expiresAtMs } = file;
    const values = [id, toValue(file), blob.byteSize, expiresAtMs, maxFiles, maxBytes];
    return (await this.#run(addScript, tenant, values)) === 1;
  }

  async find(tenant: string, ids: readonly string[], nowMs: number): Promise<Map<string, StoredFile>> {
    const found = new Map<string, StoredFile>();
    const [files] = catalogueKeys(tenant);
    for (let start = 0; start < ids.length; start += FIND_BATCH) {
      const values = await this.#client.hmget(files, ...ids.slice(start, start + FIND_BATCH));
      for (const value of values) {
        const file = value === null ? undefined : fromValue(value);
        if (file !== undefined && file.expiresAtMs > nowMs) found.set(file.id, file);
      }
    }
    return found;
  }

  async list(tenant: string, nowMs: number): Promise<StoredFile[]> {
    const [files] = catalogueKeys(tenant);
    const all = (await this.#client.hvals(files)).map(fromValue);
    // The ids begin with the time, too, and tell files of one millisecond apart.
    return all.filter((file) => file.expiresAtMs > nowMs).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async remove(tenant: string, id: string, nowMs: number): Promise<boolean> {
    return (await this.#run(removeScript, tenant, [id, nowMs])) === 1;
  }

  async takeExpired(tenant: string, nowMs: number): Promise<string[]> {
    return idsReply.parse(await this.#run(takeExpiredScript, tenant, [nowMs]));
  }

  async usage(tenant: string): Promise<FileUsage> {
    const [files, bytes, next] = usageReply.parse(await this.#run(usageScript, tenant, []));
    return { files, bytes, nextExpiryMs: next === '' ? undefined : next };
  }

  close(): Promise<void> {
    this.#client.disconnect();
    return Promise.resolve();
  }

  #run(script: Script, tenant: string, values: readonly (string | number)[]): Promise<unknown> {
    return script.run(this.#client, catalogueKeys(tenant), values);
  }
}

/** A `FileCatalogue` on Redis, with one connection. */
export function createRedisFileCatalogue(settings: RedisSettings): FileCatalogue {
  return new RedisFileCatalogue(settings);
}
