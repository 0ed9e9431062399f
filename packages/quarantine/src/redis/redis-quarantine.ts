import { connectRedis, defineScript, quarantineKey, type RedisSettings } from '@fovea/redis';
import type { Redis } from 'ioredis';
import { QUARANTINE_S, Quarantine, type Suspicion, TRIAL_S } from '../index.js';

export interface RedisQuarantineOptions {
  readonly redis: RedisSettings;
  /** `producer` answers clients and fails fast; `worker` waits for Redis to come back. */
  readonly role: 'producer' | 'worker';
  /** Default `QUARANTINE_S`. */
  readonly lastsS?: number;
  /** Default `TRIAL_S`. */
  readonly trialS?: number;
}

/** KEYS the fingerprint's. ARGV ms. */
const suspectScript = defineScript(`
if redis.call('GET', KEYS[1]) ~= 'condemned' then
  redis.call('SET', KEYS[1], 'suspect', 'PX', ARGV[1])
end
return 1
`);

/** KEYS the fingerprint's. */
const clearScript = defineScript(`
if redis.call('GET', KEYS[1]) == 'suspect' then return redis.call('DEL', KEYS[1]) end
return 0
`);

/** KEYS the engine's. ARGV holder, ms. */
const enterTrialScript = defineScript(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`);

/** KEYS the engine's. ARGV holder. */
const leaveTrialScript = defineScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`);

/** One key per fingerprint, which expires by itself. */
class RedisQuarantine extends Quarantine {
  readonly #client: Redis;
  readonly #lastsMs: number;
  readonly #trialMs: number;

  constructor({ redis, role, lastsS = QUARANTINE_S, trialS = TRIAL_S }: RedisQuarantineOptions) {
    super();
    this.#client = connectRedis(redis, role);
    this.#lastsMs = Math.ceil(lastsS * 1_000);
    this.#trialMs = Math.ceil(trialS * 1_000);
  }

  async suspicionOf(fingerprint: string): Promise<Suspicion> {
    const found = await this.#client.get(quarantineKey(fingerprint));
    return found === 'suspect' || found === 'condemned' ? found : 'none';
  }

  async suspect(fingerprints: readonly string[]): Promise<void> {
    await Promise.all(
      fingerprints.map((fingerprint) =>
        suspectScript.run(this.#client, [quarantineKey(fingerprint)], [this.#lastsMs]),
      ),
    );
  }

  async condemn(fingerprint: string): Promise<void> {
    await this.#client.set(quarantineKey(fingerprint), 'condemned', 'PX', this.#lastsMs);
  }

  async clear(fingerprint: string): Promise<void> {
    await clearScript.run(this.#client, [quarantineKey(fingerprint)], []);
  }

  async enterTrial(engine: string, holder: string): Promise<boolean> {
    const key = quarantineKey(`trial:${engine}`);
    return (await enterTrialScript.run(this.#client, [key], [holder, this.#trialMs])) === 1;
  }

  async leaveTrial(engine: string, holder: string): Promise<void> {
    await leaveTrialScript.run(this.#client, [quarantineKey(`trial:${engine}`)], [holder]);
  }

  close(): Promise<void> {
    this.#client.disconnect();
    return Promise.resolve();
  }
}

/** A `Quarantine` on Redis, with one connection. */
export function createRedisQuarantine(options: RedisQuarantineOptions): Quarantine {
  return new RedisQuarantine(options);
}
