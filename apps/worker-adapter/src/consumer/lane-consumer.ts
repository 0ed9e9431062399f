import type { Consumer, JobQueue, Lease } from '@fovea/job-queue';
import type { Lane } from '@fovea/schemas/jobs';
import type { EngineHealth } from '../engine/engine-health.js';
import { pause } from '../pause.js';
import type { Slots } from '../slots/slots.js';

export interface LaneConsumerPorts {
  readonly queue: JobQueue;
  readonly health: EngineHealth;
  readonly slots: Slots;
  /** Runs one job to its end. Never throws: what goes wrong is part of the job's outcome. */
  readonly run: (lease: Lease) => Promise<void>;
  /** Told when the queue cannot be read; it is tried again. */
  readonly onQueueError: (lane: Lane, error: unknown) => void;
}

const RETRY_AFTER_QUEUE_ERROR_MS = 1_000;

/**
 * Takes the jobs of one lane: a slot first, then a job, so that no job waits here while another adapter has room.
 * Takes only while the engine is fit; when it stops being fit even a parked `take` ends, and a fresh consumer
 * starts with the next fit moment. What runs is never touched from here.
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
    this.#loop = this.#consumeWhileFit();
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

  async #consumeWhileFit(): Promise<void> {
    const { signal } = this.#stopped;
    while (await this.#ports.health.untilFit(signal)) {
      try {
        await this.#session(await this.#ports.queue.consume(this.lane));
      } catch (error) {
        this.#ports.onQueueError(this.lane, error);
        await pause(RETRY_AFTER_QUEUE_ERROR_MS, signal);
      }
    }
  }

  /** From one fit moment of the engine to the next unfit one. */
  async #session(consumer: Consumer): Promise<void> {
    const { health } = this.#ports;
    const running = new Set<Promise<void>>();
    const over = new AbortController();
    const stopTaking = (): void => {
      over.abort(new Error('the lane takes nothing now'));
      consumer.stop().catch((error: unknown) => this.#ports.onQueueError(this.lane, error));
    };
    const stopListening = health.onChange((isFit) => {
      if (!isFit) stopTaking();
    });
    this.#stopped.signal.addEventListener('abort', stopTaking, { once: true });
    if (!health.isFit || this.#stopped.signal.aborted) stopTaking();
    try {
      while (await this.#takeOne(consumer, over.signal, running));
    } finally {
      stopListening();
      this.#stopped.signal.removeEventListener('abort', stopTaking);
      this.#closeAfter(consumer, running);
    }
  }

  /** False when there is nothing more to take in this session. */
  async #takeOne(consumer: Consumer, over: AbortSignal, running: Set<Promise<void>>): Promise<boolean> {
    let release: () => void;
    try {
      release = await this.#ports.slots.acquire(over);
    } catch {
      return false;
    }
    let lease: Lease | undefined;
    try {
      lease = await consumer.take();
    } finally {
      if (lease === undefined) release();
    }
    if (lease === undefined) return false;
    const run = this.#ports.run(lease).finally(() => {
      release();
      running.delete(run);
    });
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
