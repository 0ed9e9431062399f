import { connectRedis, defineScript, type RedisSettings, tenantKey } from '@fovea/redis';
import { type JournalEntry, journalEntrySchema, RequestJournal } from './request-journal.js';

/** As many as `GET /users/me/requests` shows. */
const ENTRIES_PER_TENANT = 10;

/**
 * KEYS entries of the tenant, latest first
 * ARGV entry, entries to keep, seconds to keep them
 */
const recordScript = defineScript(`
redis.call('LPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], 0, ARGV[2] - 1)
redis.call('EXPIRE', KEYS[1], ARGV[3])
`);

const keyOf = (tenant: string): string => tenantKey(tenant, 'requests');

class RedisRequestJournal extends RequestJournal {
  readonly #client: ReturnType<typeof connectRedis>;

  constructor(
    settings: RedisSettings,
    private readonly lifetimeS: number,
  ) {
    super();
    this.#client = connectRedis(settings, 'producer');
  }

  async record(tenant: string, entry: JournalEntry): Promise<void> {
    if (this.lifetimeS === 0) return;
    const values = [JSON.stringify(entry), ENTRIES_PER_TENANT, this.lifetimeS];
    await recordScript.run(this.#client, [keyOf(tenant)], values);
  }

  async latest(tenant: string): Promise<JournalEntry[]> {
    const earliestMs = Date.now() - this.lifetimeS * 1_000;
    const entries = await this.#client.lrange(keyOf(tenant), 0, ENTRIES_PER_TENANT - 1);
    return entries
      .map((entry) => journalEntrySchema.parse(JSON.parse(entry)))
      .filter(({ arrivedAtMs, durationMs }) => arrivedAtMs + durationMs > earliestMs);
  }

  close(): Promise<void> {
    this.#client.disconnect();
    return Promise.resolve();
  }
}

/**
 * A `RequestJournal` on Redis, with one connection. An entry is shown for `lifetimeS` seconds; a tenant's entries are gone so
 * long after its last request. With 0 nothing is written and nothing shown.
 */
export function createRedisRequestJournal(settings: RedisSettings, lifetimeS: number): RequestJournal {
  return new RedisRequestJournal(settings, lifetimeS);
}
