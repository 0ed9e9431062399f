import { laneKeyPrefix } from '@fovea/redis';
import { type Lane, MAX_ENVELOPE_BYTES } from '@fovea/schemas/jobs';
import { createRedisBackend, Job, Queue, type RedisQueueBackend } from 'bullmq';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { type JobState, type LaneDepth, type LaneState, NICE_PRIORITY, NORMAL_PRIORITY } from '../index.js';
import { advanceScript, removeScript } from './lane-scripts.js';
import type { LockKeys } from './locks/lock-messages.js';
import { LOCK_MS } from './locks/lock-renewal.js';
import { type BuildTransaction, runTransaction } from './transaction.js';
import { firstScore, WaitingJobs } from './waiting-jobs.js';

/** A job that was moved to active under a token of ours; its envelope is not parsed yet. */
export interface TakenJob {
  readonly requestId: string;
  readonly token: string;
  readonly attempt: number;
  readonly enqueuedAtMs: number;
  readonly envelope: string;
}

/** A job as it is put into the lane. */
export interface NewJob {
  readonly requestId: string;
  /** BullMQ's name of the job, which we use for what is told of it without its envelope. */
  readonly tag: string;
  readonly envelope: string;
  readonly priority: number;
  /** Milliseconds since the epoch, by Redis' clock. */
  readonly timestamp: number;
}

const QUEUE_NAME = 'jobs';
/** Nobody reads BullMQ's event stream here; it only must not grow. */
const MAX_EVENTS = 100;
/** Below the checks' pace, so that each check of a single worker finds the turn free. */
const STALLED_TURN_MS = 400;
/** Our field beside BullMQ's `paused` in the lane's `meta` hash: producers are to refuse new requests. */
const REFUSING = 'refusing';
/** Retrying is decided by the token stream's log, never by a count in the queue. */
const PRACTICALLY_UNLIMITED = 1_000_000;

/** Tolerant: an id whose hash is lost comes back with nearly nothing, and must still be settled. */
const takenSchema = z.tuple([
  z.object({ data: z.string(), timestamp: z.number().catch(0), attemptsStarted: z.number().catch(1) }),
  z.string(),
]);
const stateSchema = z.tuple([z.number().nullable(), z.number(), z.number()]);
const idleSchema = z.tuple([z.array(z.string()), z.array(z.string()), z.array(z.string())]);
const depthSchema = z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()]);

/** By whether consumers may take nothing, and whether no new requests are accepted. */
function toState(isPaused: boolean, isRefusing: boolean): LaneState {
  if (isRefusing) return isPaused ? 'closed' : 'draining';
  return isPaused ? 'paused' : 'open';
}

/** Codes with which BullMQ's scripts say that a job is no longer ours: gone, unlocked, not active, locked by another. */
const lockLostCodes: readonly unknown[] = [-1, -2, -3, -6];

export function isLockLost(error: unknown): boolean {
  return error instanceof Error && 'code' in error && lockLostCodes.includes(error.code);
}

/**
 * One lane as BullMQ keeps it in Redis, below `{q:<checkpoint>:<lane>}`.
 *
 * It drives BullMQ's backend itself instead of its `Worker`: that one parses a job's data after moving it to active,
 * so an unreadable envelope would throw, stay locked, stall and come back for ever.
 */
export class LaneStore {
  readonly #backend: RedisQueueBackend;
  readonly #queue: Queue;
  /** Those that wait, as an operator looks at them. */
  readonly waitingJobs: WaitingJobs;

  constructor(
    readonly lane: Lane,
    private readonly client: Redis,
  ) {
    const prefix = laneKeyPrefix(lane.checkpoint, lane.kind);
    const connection = { connection: client, skipVersionCheck: true, skipWaitingForReady: true };
    const options = {
      ...connection,
      prefix,
      lockDuration: LOCK_MS,
      maxStalledCount: PRACTICALLY_UNLIMITED,
      stalledInterval: STALLED_TURN_MS,
    };
    this.#backend = createRedisBackend(QUEUE_NAME, options);
    this.#queue = new Queue(
      QUEUE_NAME,
      { ...connection, prefix, streams: { events: { maxLen: MAX_EVENTS } } },
      () => this.#backend,
    );
    // The connection's errors are reported where it was made.
    this.#queue.on('error', () => undefined);
    this.waitingJobs = new WaitingJobs(client, (suffix) => this.#key(suffix));
  }

  get markerKey(): string {
    return this.#backend.keys.marker ?? this.#key('marker');
  }

  lockKeys(requestId: string): LockKeys {
    return {
      lock: `${this.#key(requestId)}:lock`,
      stalled: this.#key('stalled'),
      active: this.#key('active'),
      job: this.#key(requestId),
    };
  }

  async enqueue({ requestId, tag, envelope, priority, timestamp }: NewJob): Promise<void> {
    const job = {
      id: requestId,
      name: tag,
      data: envelope,
      opts: {
        jobId: requestId,
        priority,
        attempts: PRACTICALLY_UNLIMITED,
        removeOnComplete: true,
        removeOnFail: true,
        stackTraceLimit: 0,
        sizeLimit: MAX_ENVELOPE_BYTES,
      },
      timestamp,
      progress: 0,
      attemptsMade: 0,
      attemptsStarted: 0,
      stalledCounter: 0,
      failedReason: '',
      returnvalue: '',
    };
    await this.#backend.addJob(job, requestId);
  }

  async depth(): Promise<LaneDepth> {
    const replies = await this.#transaction((multi) =>
      multi
        .llen(this.#key('wait'))
        .zcard(this.#key('prioritized'))
        .llen(this.#key('active'))
        .hexists(this.#key('meta'), 'paused')
        .hexists(this.#key('meta'), REFUSING),
    );
    const [recovered, prioritized, active, paused, refusing] = depthSchema.parse(replies);
    return { waiting: recovered + prioritized, active, state: toState(paused === 1, refusing === 1) };
  }

  /** Refusing comes first and goes last, so that nobody sees the lane more open than it was and will be. */
  async setState(state: LaneState): Promise<void> {
    const isRefusing = state === 'draining' || state === 'closed';
    const meta = this.#key('meta');
    if (isRefusing) await this.client.hset(meta, REFUSING, 1);
    await this.#backend.pause(state === 'paused' || state === 'closed');
    if (!isRefusing) await this.client.hdel(meta, REFUSING);
  }

  async state(requestId: string): Promise<JobState> {
    const { lock, job, active } = this.lockKeys(requestId);
    const replies = await this.#transaction((multi) =>
      multi.lpos(active, requestId).exists(lock).exists(job),
    );
    const [activePlace, isLocked, isPresent] = stateSchema.parse(replies);
    if (isPresent === 0) return 'absent';
    if (activePlace === null) return 'waiting';
    return isLocked === 1 ? 'running' : 'orphaned';
  }

  async remove(requestId: string): Promise<boolean> {
    const { job, lock, active, stalled } = this.lockKeys(requestId);
    const keys = [job, lock, this.#key('wait'), this.#key('prioritized'), active, stalled];
    return (await removeScript.run(this.client, keys, [requestId])) === 1;
  }

  async idle(limit: number): Promise<string[]> {
    if (limit <= 0) return [];
    const replies = await this.#transaction((multi) =>
      multi
        .lrange(this.#key('wait'), -limit, -1)
        .zrange(this.#key('prioritized'), '0', `${limit - 1}`)
        .lrange(this.#key('active'), 0, -1),
    );
    const [recovered, prioritized, active] = idleSchema.parse(replies);
    const locks = await this.#transaction((multi) => {
      for (const id of active) multi.exists(this.lockKeys(id).lock);
      return multi;
    });
    const orphaned = active.filter((_id, index) => locks[index] === 0);
    return [...new Set([...orphaned, ...recovered.reverse(), ...prioritized])].slice(0, limit);
  }

  /** Moves the next job to active under a lock of `token`. */
  async take(token: string): Promise<TakenJob | undefined> {
    const reply = await this.#backend.moveToActive(token);
    if (!reply[0]) return undefined;
    const [{ data, timestamp, attemptsStarted }, requestId] = takenSchema.parse(reply.slice(0, 2));
    return { requestId, token, attempt: attemptsStarted, enqueuedAtMs: timestamp, envelope: data };
  }

  /** Lets the next of the nice jobs go before those of normal priority. */
  async advanceNice(): Promise<void> {
    const scores = [firstScore(NICE_PRIORITY), firstScore(NORMAL_PRIORITY) - 1];
    await advanceScript.run(this.client, [this.#key('prioritized'), this.#key('meta')], scores);
  }

  /** True when the lock was still ours. */
  async extendLock({ requestId, token }: TakenJob): Promise<boolean> {
    return (await this.#backend.extendLock(requestId, token, LOCK_MS)) === 1;
  }

  /** Removes a job we hold. Throws what `isLockLost` knows when we hold it no longer. */
  async settle({ requestId, token }: TakenJob): Promise<void> {
    const job = new Job(this.#queue, '', undefined, {}, requestId);
    await this.#backend.moveToCompleted(job, null, true, token, false);
  }

  /** Puts a job we hold in front of all others of its priority. */
  async handBack({ requestId, token }: TakenJob): Promise<void> {
    await this.#backend.moveJobFromActiveToWait(requestId, token);
    // BullMQ moves a prioritized job back without a marker, so no parked worker would wake for it.
    await this.wakeOne();
  }

  /** Lets one parked consumer look for a job. */
  async wakeOne(): Promise<void> {
    await this.client.zadd(this.markerKey, 0, '0');
  }

  /** Moves jobs whose lock lapsed back to the front; returns their ids. Needs two calls: mark, then move. */
  recoverStalled(): Promise<string[]> {
    return this.#backend.moveStalledJobsToWait();
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }

  #key(suffix: string): string {
    return this.#backend.toKey(suffix);
  }

  #transaction(build: BuildTransaction): Promise<unknown[]> {
    return runTransaction(this.client, build);
  }
}
