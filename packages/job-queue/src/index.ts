import type { InferenceJob, Lane } from '@fovea/schemas/jobs';

/** BullMQ's bounds; 0 would mean "no priority" and overtake everything, so it is never used. */
export const MIN_PRIORITY = 1;
export const MAX_PRIORITY = 2 ** 21 - 1;
/** Lower runs first. */
export const NORMAL_PRIORITY = 1_000;
/** For requests that ask to be queued behind the others (`nice=true`). */
export const NICE_PRIORITY = 100_000;
/** Of so many jobs that a consumer takes, one is the next in line of NICE_PRIORITY and behind, so that none waits for ever. */
export const NICE_SHARE = 8;

export interface EnqueueOptions {
  /** MIN_PRIORITY … MAX_PRIORITY. Default NORMAL_PRIORITY. */
  readonly priority?: number;
}

/**
 * What an operator has decided about a lane; it stays until it is changed, whatever is restarted.
 *
 * | state | consumers take jobs | new requests are accepted | waiting jobs |
 * | --- | --- | --- | --- |
 * | `open` | yes | yes | run |
 * | `paused` | no | yes, as far as the limits go | stay |
 * | `draining` | yes | no | run |
 * | `closed` | no | no | are ended by the gateways |
 */
export type LaneState = 'open' | 'paused' | 'draining' | 'closed';

export interface LaneDepth {
  readonly waiting: number;
  readonly active: number;
  readonly state: LaneState;
}

export interface LaneStatus extends LaneDepth {
  /** Milliseconds since the oldest waiting job was enqueued, by Redis' clock; undefined when none waits. */
  readonly oldestWaitMs: number | undefined;
}

/** What waits of one model in a lane. */
export interface WaitingWork {
  readonly model: string;
  readonly jobs: number;
  /** The sum of the jobs' `expectedTokens`. */
  readonly tokens: number;
}

/**
 * `waiting`: not taken. `running`: somebody holds the lock. `orphaned`: taken, but its lock lapsed, so the
 * worker is dead or cut off. `absent`: acknowledged, removed or never there.
 */
export type JobState = 'waiting' | 'running' | 'orphaned' | 'absent';

/** A job somebody works on. The lock is renewed outside the event loop until it is settled. */
export interface Lease {
  readonly job: InferenceJob;
  /** Unique per attempt; what the token stream fences with. */
  readonly fence: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Milliseconds from the enqueue to this attempt, both read from Redis' clock. */
  readonly waitedMs: number;
  /** Aborted when the lock was lost: another worker may already run the job. */
  readonly lost: AbortSignal;
  /** Done, for whatever reason: the job leaves the queue. Never throws when the lock is lost. */
  acknowledge(): Promise<void>;
  /**
   * Gives the job back, first in line among its priority; nothing of it may have been written. Never throws when
   * the lock is lost.
   */
  handBack(): Promise<void>;
}

export interface Consumer {
  /**
   * The next job, or undefined once `stop` was called. One call at a time.
   *
   * Lower priorities first, and first come, first served within one. Only every `NICE_SHARE`th job is the next of the nice
   * ones, although others wait: however many of those keep coming, a nice job waits for at most `NICE_SHARE` of
   * them for each nice one before it.
   */
  take(): Promise<Lease | undefined>;
  /** Takes nothing more; a parked `take` returns undefined within a second. Running leases stay. */
  stop(): Promise<void>;
  /** Stops, then frees the connections. Call after every lease is settled. */
  close(): Promise<void>;
}

/**
 * Durable lanes of jobs, one per checkpoint and kind (DESIGN §1 step 5).
 *
 * Delivery is at least once: a job whose worker dies is handed out again within 3 s of the death. Results never travel
 * through the queue, so the queue knows neither success nor failure, only "settled". What a second attempt
 * may do is decided by the token stream's log, not here. Job ids are unique: a second enqueue of an id does nothing.
 */
export abstract class JobQueue {
  /** Throws `INTERNAL` when the envelope is over MAX_ENVELOPE_BYTES: that is a bug of the caller. */
  abstract enqueue(lane: Lane, job: InferenceJob, options?: EnqueueOptions): Promise<void>;
  abstract depth(lane: Lane): Promise<LaneDepth>;
  abstract state(lane: Lane, requestId: string): Promise<JobState>;
  /** Removes a job that nobody works on. False when a worker holds it or it is not there. */
  abstract remove(lane: Lane, requestId: string): Promise<boolean>;
  /** Ids of jobs in the lane that nobody works on, next in line first (so oldest first within a priority), at most `limit`. */
  abstract idle(lane: Lane, limit: number): Promise<string[]>;
  abstract consume(lane: Lane): Promise<Consumer>;
  abstract close(): Promise<void>;
}

/**
 * The lanes as their operator sees them. Enqueuing and consuming need none of it.
 *
 * A state is the operator's alone: nothing else sets or lifts one, and it outlives consumers, producers and jobs. No
 * consumer takes a job of a lane once `setState` has returned for `paused` or `closed`; what was taken before goes on. Who
 * accepts requests reads the state with `JobQueue.depth` and refuses them; `enqueue` itself never does.
 */
export abstract class LaneControl {
  /** Every lane that was ever used or looked at, those of checkpoints that are no longer registered, too. */
  abstract lanes(): Promise<Lane[]>;
  abstract status(lane: Lane): Promise<LaneStatus>;
  /**
   * What waits, by model, in no order. Counted anew from the waiting jobs themselves, so that no crash leaves a wrong sum; a
   * job that is taken while it is counted may be in it.
   */
  abstract waitingWork(lane: Lane): Promise<WaitingWork[]>;
  abstract setState(lane: Lane, state: LaneState): Promise<void>;
  abstract close(): Promise<void>;
}
