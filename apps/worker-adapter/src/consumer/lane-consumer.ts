import type { Consumer, JobQueue, Lease } from '@fovea/job-queue';
import type { Lane, LaneKind } from '@fovea/schemas/jobs';
import { pause } from '../pause.js';

/** Whether a lane may take one more job now; the engine pool knows. */
export interface Room {
  /** True while at least one engine may be given work at all. */
  readonly isFit: boolean;
  hasRoom(lane: LaneKind): boolean;
  untilRoom(lane: LaneKind, signal: AbortSignal): Promise<boolean>;
  onRoom(listener: () => void): () => void;
}

export interface LaneConsumerPorts {
  readonly queue: JobQueue;
  readonly room: Room;
  /**
   * Runs one job to its end. When it returns its promise, the job has its place or stands in line for one, so that
   * `room` knows of it. Never throws: what goes wrong is part of the job's outcome.
   */
  readonly run: (lease: Lease) => Promise<void>;
  /** Told when the queue cannot be read; it is tried again. */
  readonly onQueueError: (lane: Lane, error: unknown) => void;
}

const RETRY_AFTER_QUEUE_ERROR_MS = 1_000;
/**
 * Room that is lost for less than that ends no `take`. A job that is on its way at that moment would be given back, and
 * the queue would count an attempt; it waits for its place here instead, and nothing is taken after it.
 */
const LOST_ROOM_MS = 250;

/**
 * Takes the jobs of one lane: room first, then a job, so that no job waits here while another adapter has room. When the
 * room is lost while a `take` is parked (no engine is fit, or all have too much to do) the `take` ends, and a fresh
 * consumer starts with the next room. What runs is never touched from here.
 */
export class LaneConsumer {
  readonly lane: Lane;
  readonly #ports: LaneConsumerPorts;
  readonly #stopped = new AbortController();
  readonly #closing = new Set<Promise<void>>();
  #loop: Promise<void> = Promise.resolve();

  constructor(lane: Lane, ports: LaneConsumerPorts) {
    this.lane = lane;
    this.#ports = ports;
  }

  start(): void {
    this.#loop = this.#consumeWhileRoom();
  }

  /** Takes nothing more; resolves when that is certain. What was taken goes on. */
  async stop(): Promise<void> {
    this.#stopped.abort(new Error('the lane was stopped'));
    await this.#loop;
  }

  /** Resolves when every job that was taken is settled and the connections are free. */
  async close(): Promise<void> {
    await this.stop();
    await Promise.all(this.#closing);
  }

  async #consumeWhileRoom(): Promise<void> {
    const { signal } = this.#stopped;
    while (await this.#ports.room.untilRoom(this.lane.kind, signal)) {
      try {
        await this.#session(await this.#ports.queue.consume(this.lane));
      } catch (error) {
        this.#ports.onQueueError(this.lane, error);
        await pause(RETRY_AFTER_QUEUE_ERROR_MS, signal);
      }
    }
  }

  /** From one room to the moment it is lost under a parked `take`. */
  async #session(consumer: Consumer): Promise<void> {
    const { signal } = this.#stopped;
    const running = new Set<Promise<void>>();
    const stopTaking = (): void => {
      consumer.stop().catch((error: unknown) => this.#ports.onQueueError(this.lane, error));
    };
    signal.addEventListener('abort', stopTaking, { once: true });
    if (signal.aborted) stopTaking();
    try {
      while (await this.#takeOne(consumer, stopTaking, running));
    } finally {
      signal.removeEventListener('abort', stopTaking);
      this.#closeAfter(consumer, running);
    }
  }

  /** False when there is nothing more to take in this session. */
  async #takeOne(consumer: Consumer, stopTaking: () => void, running: Set<Promise<void>>): Promise<boolean> {
    const { room, run: runJob } = this.#ports;
    const { kind } = this.lane;
    if (!(await room.untilRoom(kind, this.#stopped.signal))) return false;
    if (!room.hasRoom(kind)) return true;
    let timer: NodeJS.Timeout | undefined;
    const stopListening = room.onRoom(() => {
      if (!room.isFit) stopTaking();
      else if (!room.hasRoom(kind)) timer ??= setTimeout(stopTaking, LOST_ROOM_MS);
      else {
        clearTimeout(timer);
        timer = undefined;
      }
    });
    const lease = await consumer.take().finally(() => {
      stopListening();
      clearTimeout(timer);
    });
    if (lease === undefined) return false;
    const run = runJob(lease).finally(() => running.delete(run));
    running.add(run);
    return true;
  }

  /** A consumer's locks are renewed until its last lease is settled, so it is closed only then. */
  #closeAfter(consumer: Consumer, running: ReadonlySet<Promise<void>>): void {
    const closed = Promise.allSettled([...running])
      .then(() => consumer.close())
      .catch((error: unknown) => this.#ports.onQueueError(this.lane, error))
      .finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }
}
