import { connectRedis, laneKeyPrefix, type RedisSettings } from '@fovea/redis';
import { type Lane, laneKindSchema } from '@fovea/schemas/jobs';
import type { Redis } from 'ioredis';
import { LaneControl, type LaneState, type LaneStatus, type WaitingWork } from '../index.js';
import { LaneStore } from './lane-store.js';
import { RedisClock } from './redis-clock.js';

/** Every lane has that hash as soon as anybody opens it. */
const laneKey = /^\{q:([^:}]+):([a-z]+)\}:jobs:meta$/;
const LANE_PATTERN = '{q:*}:jobs:meta';
const KEYS_PER_SCAN = 1_000;

function toLane(key: string): Lane | undefined {
  const [, checkpoint = '', kindName] = laneKey.exec(key) ?? [];
  const kind = laneKindSchema.safeParse(kindName);
  return kind.success ? { checkpoint: decodeURIComponent(checkpoint), kind: kind.data } : undefined;
}

const inOrder = (left: Lane, right: Lane): number =>
  left.checkpoint === right.checkpoint
    ? laneKindSchema.options.indexOf(left.kind) - laneKindSchema.options.indexOf(right.kind)
    : left.checkpoint < right.checkpoint
      ? -1
      : 1;

/** Fails fast, as a producer does: an operator waits for the answer. */
class BullMqLaneControl extends LaneControl {
  readonly #client: Redis;
  readonly #clock: RedisClock;
  readonly #stores = new Map<string, LaneStore>();

  constructor(redis: RedisSettings) {
    super();
    this.#client = connectRedis(redis, 'producer');
    this.#clock = new RedisClock(this.#client);
  }

  override async lanes(): Promise<Lane[]> {
    const keys = new Set<string>();
    let cursor = '0';
    do {
      const [next, found] = await this.#client.scan(cursor, 'MATCH', LANE_PATTERN, 'COUNT', KEYS_PER_SCAN);
      for (const key of found) keys.add(key);
      cursor = next;
    } while (cursor !== '0');
    return [...keys]
      .map(toLane)
      .filter((lane) => lane !== undefined)
      .sort(inOrder);
  }

  override async status(lane: Lane): Promise<LaneStatus> {
    const store = this.#store(lane);
    const [depth, oldestAtMs, nowMs] = await Promise.all([
      store.depth(),
      store.waitingJobs.oldestEnqueuedAtMs(),
      this.#clock.nowMs(),
    ]);
    const oldestWaitMs = oldestAtMs === undefined ? undefined : Math.max(0, nowMs - oldestAtMs);
    return { ...depth, oldestWaitMs };
  }

  override waitingWork(lane: Lane): Promise<WaitingWork[]> {
    return this.#store(lane).waitingJobs.work();
  }

  override setState(lane: Lane, state: LaneState): Promise<void> {
    return this.#store(lane).setState(state);
  }

  override async close(): Promise<void> {
    await Promise.all([...this.#stores.values()].map((store) => store.close()));
    this.#client.disconnect();
  }

  #store(lane: Lane): LaneStore {
    const prefix = laneKeyPrefix(lane.checkpoint, lane.kind);
    const store = this.#stores.get(prefix) ?? new LaneStore(lane, this.#client);
    this.#stores.set(prefix, store);
    return store;
  }
}

/** Looks at the lanes that `createBullMqJobQueue` keeps and sets their states, over one connection. */
export function createBullMqLaneControl(redis: RedisSettings): LaneControl {
  return new BullMqLaneControl(redis);
}
