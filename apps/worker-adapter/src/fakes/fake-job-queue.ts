import { type Consumer, JobQueue, type JobState, type LaneDepth, type Lease } from '@fovea/job-queue';

/** One consumer with its parked `take`; the test offers leases one by one. */
export class FakeConsumer implements Consumer {
  readonly #offered: Lease[] = [];
  #parked: ((lease: Lease | undefined) => void) | undefined;
  isStopped = false;
  isClosed = false;
  takes = 0;

  get isParked(): boolean {
    return this.#parked !== undefined;
  }

  offer(lease: Lease): void {
    const parked = this.#parked;
    this.#parked = undefined;
    if (parked === undefined) this.#offered.push(lease);
    else parked(lease);
  }

  take(): Promise<Lease | undefined> {
    this.takes += 1;
    if (this.isStopped) return Promise.resolve(undefined);
    const lease = this.#offered.shift();
    if (lease !== undefined) return Promise.resolve(lease);
    return new Promise((resolve) => {
      this.#parked = resolve;
    });
  }

  stop(): Promise<void> {
    this.isStopped = true;
    const parked = this.#parked;
    this.#parked = undefined;
    parked?.(undefined);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.isClosed = true;
    return this.stop();
  }
}

/** A queue whose consumers a test holds in its hand. */
export class FakeJobQueue extends JobQueue {
  readonly consumers: FakeConsumer[] = [];
  /** Thrown by the next `consume`. */
  problem: Error | undefined;

  consume(): Promise<Consumer> {
    const { problem } = this;
    this.problem = undefined;
    if (problem !== undefined) return Promise.reject(problem);
    const consumer = new FakeConsumer();
    this.consumers.push(consumer);
    return Promise.resolve(consumer);
  }

  enqueue(): Promise<void> {
    return Promise.reject(new Error('adapters enqueue nothing'));
  }

  depth(): Promise<LaneDepth> {
    return Promise.resolve({ waiting: 0, active: 0, state: 'open' });
  }

  state(): Promise<JobState> {
    return Promise.resolve('absent');
  }

  remove(): Promise<boolean> {
    return Promise.resolve(false);
  }

  idle(): Promise<string[]> {
    return Promise.resolve([]);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
