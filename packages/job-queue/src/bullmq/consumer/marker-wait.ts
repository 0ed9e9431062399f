import { connectRedis, type RedisSettings } from '@fovea/redis';
import type { Redis } from 'ioredis';
import { raceAbort } from './race-abort.js';

/** A lost marker delays a job by that at most. */
const PARK_S = 1;
const STUCK_MS = PARK_S * 1_000 + 2_000;

/** Parks on BullMQ's marker, on a connection of its own: a parked command holds up everything behind it. */
export class MarkerWait {
  #client: Redis;

  constructor(
    private readonly redis: RedisSettings,
    private readonly markerKey: string,
  ) {
    this.#client = connectRedis(redis, 'blocking');
  }

  /** Resolves when a job may be there, after a second, or when the signal aborts. */
  async next(signal: AbortSignal): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const popped = this.#client.bzpopmin(this.markerKey, PARK_S);
    popped.catch(() => undefined);
    const stuck = new Promise<'stuck'>((resolve) => {
      timer = setTimeout(() => resolve('stuck'), STUCK_MS);
    });
    try {
      // ioredis sends a blocking command again after a reconnect and may wait for ever on a half-open socket.
      if ((await raceAbort(Promise.race([popped, stuck]), signal)) === 'stuck') this.#replace();
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#client.disconnect();
  }

  #replace(): void {
    this.#client.disconnect();
    this.#client = connectRedis(this.redis, 'blocking');
  }
}
