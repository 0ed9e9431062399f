import type { Transferable } from 'node:worker_threads';
import { FoveaError } from '@fovea/errors';
import type { FromCallThread, ToCallThread } from './call-protocol.js';
import { fromThreadError } from './thread-error.js';
import { WorkerLink } from './worker-link.js';

interface OpenCall<Answer> {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** What those who call a thread need of it. */
export type Calls<Request, Answer> = Pick<CallThread<Request, Answer>, 'call' | 'isHealthy' | 'close'>;

/** A thread that answers calls one after the other, as `serveCalls` does on its side. */
export class CallThread<Request, Answer> {
  private readonly open = new Map<number, OpenCall<Answer>>();
  private link: WorkerLink<FromCallThread<Answer>> | undefined;
  private lastCall = 0;

  private constructor() {}

  /** Starts the thread; `Facts` is what it tells about itself when it is ready. Throws its reason when it refuses. */
  static async start<Request, Answer, Facts>(
    script: string,
    settings: unknown,
  ): Promise<{ thread: CallThread<Request, Answer>; facts: Facts }> {
    const thread = new CallThread<Request, Answer>();
    const { link, facts } = await WorkerLink.start<FromCallThread<Answer>, Facts>(script, settings, {
      onMessage: (message) => thread.settle(message),
      onDeath: (error) => thread.failAll(error),
    });
    thread.link = link;
    return { thread, facts };
  }

  get isHealthy(): boolean {
    return this.link?.isAlive === true;
  }

  /** Runs one call. An abort rejects at once with the signal's reason, and the thread drops the call when it can. */
  async call(request: Request, signal: AbortSignal, transfer: readonly Transferable[] = []): Promise<Answer> {
    signal.throwIfAborted();
    const { link } = this;
    if (link?.isAlive !== true) throw new FoveaError('INTERNAL', { detail: 'A worker thread is gone.' });
    const call = ++this.lastCall;
    const onAbort = () => {
      this.post(link, { cancel: call });
      this.open.get(call)?.reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await new Promise<Answer>((resolve, reject) => {
        this.open.set(call, { resolve, reject });
        this.post(link, { call, request }, transfer);
      });
    } finally {
      this.open.delete(call);
      signal.removeEventListener('abort', onAbort);
    }
  }

  async close(): Promise<void> {
    await this.link?.close();
    this.failAll(new Error('The thread was closed.'));
  }

  private post(
    link: WorkerLink<unknown>,
    message: ToCallThread<Request>,
    transfer: readonly Transferable[] = [],
  ): void {
    link.post(message, transfer);
  }

  private settle(message: FromCallThread<Answer>): void {
    const open = this.open.get(message.call);
    if ('error' in message) open?.reject(fromThreadError(message.error));
    else open?.resolve(message.answer);
  }

  private failAll(error: Error): void {
    for (const open of this.open.values()) open.reject(error);
  }
}
