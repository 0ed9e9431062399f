import { FoveaError } from '@fovea/errors';
import { connectRedis, laneKeyPrefix, type RedisSettings } from '@fovea/redis';
import type { InferenceJob, Lane } from '@fovea/schemas/jobs';
import type { Redis } from 'ioredis';
import {
  type Consumer,
  type EnqueueOptions,
  JobQueue,
  type JobState,
  type LaneDepth,
  MAX_PRIORITY,
  MIN_PRIORITY,
  NORMAL_PRIORITY,
} from '../index.js';
import { LaneConsumer } from './consumer/lane-consumer.js';
import { MarkerWait } from './consumer/marker-wait.js';
import { serializeEnvelope, type UnreadableJob } from './envelope.js';
import { toTag } from './job-tag.js';
import { LaneStore } from './lane-store.js';
import { LOCK_MS, LockRenewal } from './locks/lock-renewal.js';
import { RedisClock } from './redis-clock.js';

export interface BullMqJobQueueOptions {
  readonly redis: RedisSettings;
  /** `producer` answers clients and fails fast; `worker` waits for Redis to come back and may consume. */
  readonly role: 'producer' | 'worker';
  /** Told of a job that this version cannot read, before it is settled. What it throws goes to `onError`. */
  readonly onUnreadable?: (job: UnreadableJob) => void | Promise<void>;
  /** Told of jobs that this process gave back to their lane because their worker had lost them. */
  readonly onRecovered?: (lane: Lane, requestIds: readonly string[]) => void;
  /** Told of what goes wrong in the background; it is retried, so this is for the log only. */
  readonly onError?: (error: Error) => void;
  /** How long a blocked event loop keeps its leases. Default 10,000 ms. */
  readonly blockedLoopMs?: number;
}

const BLOCKED_LOOP_MS = 10_000;
/** After Redis was away all locks have lapsed; their holders get this long to reconnect and take them back. */
const RECONNECT_GRACE_MS = 2 * LOCK_MS;

/** Job queue on BullMQ: one BullMQ queue per lane, one connection for all commands, one more per consumer. */
export function createBullMqJobQueue(options: BullMqJobQueueOptions): JobQueue {
  return new BullMqJobQueue(options);
}

class BullMqJobQueue extends JobQueue {
  readonly #client: Redis;
  readonly #clock: RedisClock;
  readonly #stores = new Map<string, LaneStore>();
  readonly #consumers = new Set<LaneConsumer>();
  #locks: LockRenewal | undefined;
  #mayRecoverFromMs = 0;

  constructor(private readonly options: BullMqJobQueueOptions) {
    super();
    this.#client = connectRedis(options.redis, options.role);
    this.#clock = new RedisClock(this.#client);
    this.#client.once('ready', () => {
      this.#client.on('ready', () => {
        this.#mayRecoverFromMs = performance.now() + RECONNECT_GRACE_MS;
      });
    });
  }

  override async enqueue(lane: Lane, job: InferenceJob, options: EnqueueOptions = {}): Promise<void> {
    const priority = options.priority ?? NORMAL_PRIORITY;
    if (!Number.isInteger(priority) || priority < MIN_PRIORITY || priority > MAX_PRIORITY) {
      throw new FoveaError('INTERNAL', { detail: `priority ${priority} is out of range` });
    }
    const envelope = serializeEnvelope(lane, job);
    const timestamp = await this.#clock.nowMs();
    await this.#store(lane).enqueue({ requestId: job.id, tag: toTag(job), envelope, priority, timestamp });
  }

  override depth(lane: Lane): Promise<LaneDepth> {
    return this.#store(lane).depth();
  }

  override state(lane: Lane, requestId: string): Promise<JobState> {
    return this.#store(lane).state(requestId);
  }

  override remove(lane: Lane, requestId: string): Promise<boolean> {
    return this.#store(lane).remove(requestId);
  }

  override idle(lane: Lane, limit: number): Promise<string[]> {
    return this.#store(lane).idle(limit);
  }

  override async consume(lane: Lane): Promise<Consumer> {
    if (this.options.role !== 'worker') {
      throw new FoveaError('INTERNAL', { detail: 'only a job queue of role worker consumes' });
    }
    const store = this.#store(lane);
    this.#locks ??= new LockRenewal(
      this.options.redis,
      this.options.blockedLoopMs ?? BLOCKED_LOOP_MS,
      this.#report,
    );
    await this.#locks.ready;
    const consumer: LaneConsumer = new LaneConsumer({
      store,
      locks: this.#locks,
      clock: this.#clock,
      marker: new MarkerWait(this.options.redis, store.markerKey),
      onUnreadable: (job) => this.options.onUnreadable?.(job),
      onRecovered: (requestIds) => this.options.onRecovered?.(lane, requestIds),
      onError: this.#report,
      mayRecover: () => this.#client.status === 'ready' && performance.now() > this.#mayRecoverFromMs,
      onClose: () => this.#consumers.delete(consumer),
    });
    this.#consumers.add(consumer);
    return consumer;
  }

  override async close(): Promise<void> {
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()));
    await this.#locks?.close();
    await Promise.all([...this.#stores.values()].map((store) => store.close()));
    this.#client.disconnect();
  }

  readonly #report = (error: Error): void => this.options.onError?.(error);

  #store(lane: Lane): LaneStore {
    const prefix = laneKeyPrefix(lane.checkpoint, lane.kind);
    let store = this.#stores.get(prefix);
    if (store === undefined) {
      store = new LaneStore(lane, this.#client);
      this.#stores.set(prefix, store);
    }
    return store;
  }
}
