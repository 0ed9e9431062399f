import { Redis, type RedisOptions } from 'ioredis';

/**
 * Connections by role. A blocking or subscribing connection is never shared: a parked `BZPOPMIN` or a subscription
 * would hold up every other command behind it.
 *
 * - `producer`: answers clients, so it fails fast: commands wait for one reconnect at most, and five seconds.
 * - `worker`: waits for Redis to come back, however long it takes.
 * - `blocking`: as `worker`, without command timeout, for one parked command at a time.
 * - `subscriber`: pub/sub only; resubscribes by itself after a reconnect.
 */
export type RedisRole = 'producer' | 'worker' | 'blocking' | 'subscriber';

export interface RedisSettings {
  /** `redis://[user:password@]host:port[/db]` or `rediss://…`. */
  readonly url: string;
  /** Shows up in `CLIENT LIST`. */
  readonly clientName: string;
  /** Told of connection errors; they are also retried, so this is for the log only. */
  readonly onError?: (error: Error) => void;
}

const COMMAND_TIMEOUT_MS = 5_000;
const RECONNECT_CAP_MS = 1_000;
const DISCONNECT_TIMEOUT_MS = 250;

const reconnectDelay = (attempt: number): number =>
  Math.min(50 * 2 ** Math.min(attempt, 6), RECONNECT_CAP_MS);

/** `replyMapping` left out: its optional type does not survive `exactOptionalPropertyTypes`. */
type ConnectOptions = Omit<RedisOptions, 'replyMapping'>;

const byRole: Record<RedisRole, ConnectOptions> = {
  producer: { maxRetriesPerRequest: 1, enableOfflineQueue: true, commandTimeout: COMMAND_TIMEOUT_MS },
  worker: { maxRetriesPerRequest: null },
  blocking: { maxRetriesPerRequest: null },
  subscriber: { maxRetriesPerRequest: null, autoResubscribe: true },
};

export function connectRedis(settings: RedisSettings, role: RedisRole): Redis {
  const options: ConnectOptions = {
    ...byRole[role],
    connectionName: `${settings.clientName}:${role}`,
    retryStrategy: reconnectDelay,
    // While Redis is away a closed client would keep the process alive for this long (ioredis waits for a socket that
    // is gone already).
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    // ioredis would otherwise re-send a half-written command twice after a failover to a read-only replica.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
  const client = new Redis(settings.url, options);
  client.on('error', (error: Error) => settings.onError?.(error));
  return client;
}

/** Waits for the first `PONG`; throws the last connection error when `timeoutMs` passes without one. */
export async function waitForRedis(client: Redis, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Redis did not answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([client.ping(), timedOut]);
  } finally {
    clearTimeout(timer);
  }
}
