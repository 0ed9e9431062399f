import type { Transferable } from 'node:worker_threads';
import { Admission } from '../admission.js';
import type { Calls } from './call-thread.js';

/**
 * A thread beside those that serve generations, for calls that most servers never see: the first one starts it, and the
 * next one does again where it died or could not start.
 */
export class SpareThread<Request, Answer> {
  private readonly admission: Admission;
  private thread: Promise<Calls<Request, Answer>> | undefined;
  private idle: NodeJS.Timeout | undefined;

  /**
   * @param maxWaiting calls that may wait for those before them
   * @param idleMs ends the thread, and frees what its heap has grown to, after that long without a call; absent: it stays
   */
  constructor(
    private readonly start: () => Promise<{ readonly thread: Calls<Request, Answer> }>,
    maxWaiting: number,
    private readonly idleMs?: number,
  ) {
    this.admission = new Admission(1, maxWaiting);
  }

  /** As `CallThread.call`. Throws `QUEUE_FULL` when too many wait. */
  async call(request: Request, signal: AbortSignal, transfer: readonly Transferable[] = []): Promise<Answer> {
    const place = this.admission.enter(1);
    clearTimeout(this.idle);
    try {
      return await (await this.open()).call(request, signal, transfer);
    } finally {
      place.release();
      this.rest();
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.idle);
    const { thread } = this;
    this.thread = undefined;
    await (await thread?.catch(() => undefined))?.close();
  }

  private rest(): void {
    if (this.idleMs === undefined || this.admission.inFlight > 0) return;
    this.idle = setTimeout(() => void this.close(), this.idleMs).unref();
  }

  private async open(): Promise<Calls<Request, Answer>> {
    const starting = this.startOnce();
    const thread = await starting;
    if (thread.isHealthy) return thread;
    if (this.thread === starting) this.thread = undefined;
    return this.startOnce();
  }

  /** One for all who come while it starts. */
  private startOnce(): Promise<Calls<Request, Answer>> {
    if (this.thread !== undefined) return this.thread;
    const starting = this.start().then(({ thread }) => thread);
    this.thread = starting;
    starting.catch(() => {
      this.thread = undefined;
    });
    return starting;
  }
}
