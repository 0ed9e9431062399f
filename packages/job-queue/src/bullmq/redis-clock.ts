import type { Redis } from 'ioredis';

const REFRESH_MS = 60_000;

/**
 * Redis' wall clock as seen from here. Hosts disagree about the time; the time a job waited is only right when
 * both ends of it are read from one clock.
 */
export class RedisClock {
  #offsetMs = 0;
  #syncedAtMs = Number.NEGATIVE_INFINITY;
  #syncing: Promise<void> | undefined;

  constructor(private readonly client: Redis) {}

  /** Milliseconds since the epoch. Waits for Redis the first time only. */
  async nowMs(): Promise<number> {
    if (performance.now() - this.#syncedAtMs > REFRESH_MS) {
      this.#syncing ??= this.#sync().finally(() => {
        this.#syncing = undefined;
      });
      const isFirst = this.#syncedAtMs === Number.NEGATIVE_INFINITY;
      if (isFirst) await this.#syncing;
      else this.#syncing.catch(() => undefined);
    }
    return Date.now() + this.#offsetMs;
  }

  async #sync(): Promise<void> {
    const askedAtMs = Date.now();
    const [seconds = 0, micros = 0] = await this.client.time();
    const middleMs = (askedAtMs + Date.now()) / 2;
    this.#offsetMs = Math.round(Number(seconds) * 1_000 + Number(micros) / 1_000 - middleMs);
    this.#syncedAtMs = performance.now();
  }
}
