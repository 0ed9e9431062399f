import { FoveaError } from '@fovea/errors';
import { connectRedis, type RedisSettings, requestKey } from '@fovea/redis';
import { type GenerationEvent, isTerminal } from '@fovea/schemas/events';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import {
  type AppendOutcome,
  type CancelListener,
  type FollowOptions,
  type StreamEntry,
  type StreamState,
  TokenStream,
} from '../index.js';
import { AttemptLog, type LogLimits } from './attempt-log.js';
import { type FollowSource, followLog } from './follow-log.js';
import { LiveChannels } from './live-channels.js';
import { openScript } from './log-scripts.js';
import { stateRepliesSchema, toStreamState, transactionReplies } from './log-state.js';
import { readPage } from './read-log.js';

export interface RedisTokenStreamOptions {
  readonly redis: RedisSettings;
  /** `producer` answers clients and fails fast; `worker` waits for Redis to come back. */
  readonly role: 'producer' | 'worker';
  /** Seconds an ended log is kept (`LOG_TTL_S`). */
  readonly logTtlS: number;
  /** Seconds a log without terminal event is kept after its last entry. Default 3600. */
  readonly openTtlS?: number;
  /** Most bytes one log may hold; over it the answer ends with `STORAGE_FULL`. Default 64 MiB. */
  readonly maxLogBytes?: number;
}

const SUBSCRIBE_MS = 5_000;
const QUIET_MS = 1_000;
const RESTORE_GRACE_MS = 3_000;
const OUTAGE_MS = 30_000;
const IDLE_ATTEMPT_MS = 60_000;
const PIPELINE_CHUNK = 500;

const openReplySchema = z.tuple([z.string(), z.number(), z.string(), z.string()]);

/** Token stream on Redis lists and pub/sub. Two connections per process, whatever the number of requests. */
export function createRedisTokenStream(options: RedisTokenStreamOptions): TokenStream {
  return new RedisTokenStream(options);
}

class RedisTokenStream extends TokenStream {
  readonly #client: Redis;
  readonly #subscriber: Redis;
  readonly #channels: LiveChannels;
  readonly #limits: LogLimits;
  readonly #source: FollowSource;
  readonly #attempts = new Map<string, AttemptLog>();
  #interruptions = 0;

  constructor(options: RedisTokenStreamOptions) {
    super();
    this.#client = connectRedis(options.redis, options.role);
    this.#client.on('close', () => {
      this.#interruptions += 1;
    });
    this.#subscriber = connectRedis(options.redis, 'subscriber');
    this.#channels = new LiveChannels(this.#subscriber);
    this.#limits = {
      openTtlMs: (options.openTtlS ?? 3_600) * 1_000,
      endedTtlMs: options.logTtlS * 1_000,
      maxLogBytes: options.maxLogBytes ?? 64 * 1024 * 1024,
    };
    this.#source = {
      client: this.#client,
      channels: this.#channels,
      subscribeMs: SUBSCRIBE_MS,
      quietMs: QUIET_MS,
      restoreGraceMs: RESTORE_GRACE_MS,
      outageMs: OUTAGE_MS,
    };
  }

  override async open(requestId: string, fence: string): Promise<StreamState> {
    const keys = [requestKey(requestId, 'log'), requestKey(requestId, 'state')];
    const reply = await openScript.run(this.#client, keys, [fence, this.#limits.openTtlMs, '0']);
    const [, length, output, terminal] = openReplySchema.parse(reply);
    this.#forgetIdleAttempts();
    this.#attempts.set(requestId, this.#attemptLog(requestId, fence, length));
    return toStreamState(length, output, terminal);
  }

  override async append(
    requestId: string,
    fence: string,
    events: readonly GenerationEvent[],
  ): Promise<AppendOutcome> {
    if (events.length === 0)
      throw new FoveaError('INTERNAL', { detail: 'an append needs at least one event' });
    const attempt = this.#attempts.get(requestId) ?? (await this.#adopt(requestId, fence));
    if (attempt?.fence !== fence) return { outcome: 'fenced' };
    const outcome = await attempt.append(events);
    const isOver = outcome.outcome !== 'appended' || events.some(isTerminal);
    if (isOver && this.#attempts.get(requestId) === attempt) this.#attempts.delete(requestId);
    return outcome;
  }

  override async state(requestId: string): Promise<StreamState> {
    const { length, output, terminal } = await this.#readState(requestId);
    return toStreamState(length, output, terminal);
  }

  override async read(requestId: string, afterId: number, limit: number): Promise<StreamEntry[]> {
    if (limit <= 0) return [];
    const page = await readPage(this.#client, requestId, { id: afterId, writer: undefined }, limit);
    if (page.kind === 'entries') return page.entries.map(({ id, events }) => ({ id, events }));
    throw new FoveaError(page.kind === 'short' && !page.exists ? 'GONE' : 'STREAM_INTERRUPTED');
  }

  override follow(requestId: string, options: FollowOptions = {}): AsyncIterable<StreamEntry> {
    return followLog(this.#source, requestId, options);
  }

  override async renewInterest(requestIds: readonly string[], ttlMs: number): Promise<void> {
    for (const chunk of chunks(requestIds)) {
      const pipeline = this.#client.pipeline();
      for (const id of chunk) pipeline.set(requestKey(id, 'lease'), '1', 'PX', ttlMs);
      transactionReplies(await pipeline.exec());
    }
  }

  override async lapsed(requestIds: readonly string[]): Promise<string[]> {
    const lapsed: string[] = [];
    for (const chunk of chunks(requestIds)) {
      const pipeline = this.#client.pipeline();
      for (const id of chunk) pipeline.exists(requestKey(id, 'lease'));
      const held = transactionReplies(await pipeline.exec());
      lapsed.push(...chunk.filter((_id, index) => held[index] === 0));
    }
    return lapsed;
  }

  override async cancel(requestId: string): Promise<void> {
    const replies = await this.#client
      .multi()
      .del(requestKey(requestId, 'lease'))
      .publish(requestKey(requestId, 'control'), 'cancel')
      .exec();
    transactionReplies(replies);
  }

  override async onCancel(requestId: string, listener: CancelListener): Promise<() => Promise<void>> {
    const channel = requestKey(requestId, 'control');
    const once = {
      message: (): void => {
        this.#channels.remove(channel, once);
        listener();
      },
      // A cancel that was published meanwhile is not repeated; whoever runs the request also polls `lapsed`.
      resubscribed: (): void => undefined,
    };
    await this.#channels.add(channel, once);
    return async () => this.#channels.remove(channel, once);
  }

  override async drop(requestId: string): Promise<void> {
    this.#attempts.delete(requestId);
    await this.#client.del(
      requestKey(requestId, 'log'),
      requestKey(requestId, 'state'),
      requestKey(requestId, 'lease'),
    );
  }

  override async close(): Promise<void> {
    this.#attempts.clear();
    this.#subscriber.disconnect();
    this.#client.disconnect();
  }

  #attemptLog(requestId: string, fence: string, length: number): AttemptLog {
    return new AttemptLog(this.#client, this.#limits, requestId, fence, length, () => this.#interruptions);
  }

  /** For an attempt that was opened through another instance: goes on where the log is. */
  async #adopt(requestId: string, fence: string): Promise<AttemptLog | undefined> {
    const state = await this.#readState(requestId);
    if (state.fence !== fence) return undefined;
    const attempt = this.#attemptLog(requestId, fence, state.length);
    this.#attempts.set(requestId, attempt);
    return attempt;
  }

  async #readState(requestId: string): Promise<{
    length: number;
    fence: string | null;
    output: string | null;
    terminal: string | null;
  }> {
    const replies = await this.#client
      .multi()
      .llen(requestKey(requestId, 'log'))
      .hmget(requestKey(requestId, 'state'), 'fence', 'output', 'terminal')
      .exec();
    const [length, [fence, output, terminal]] = stateRepliesSchema.parse(transactionReplies(replies));
    return { length, fence, output, terminal };
  }

  /**
   * Attempts that were given up without a terminal event must not pile up. One that goes on after all is adopted
   * again; what it forgot is only needed within seconds.
   */
  #forgetIdleAttempts(): void {
    for (const [requestId, attempt] of this.#attempts) {
      if (attempt.isIdleFor(IDLE_ATTEMPT_MS)) this.#attempts.delete(requestId);
    }
  }
}

function* chunks(ids: readonly string[]): Generator<readonly string[]> {
  for (let start = 0; start < ids.length; start += PIPELINE_CHUNK)
    yield ids.slice(start, start + PIPELINE_CHUNK);
}
