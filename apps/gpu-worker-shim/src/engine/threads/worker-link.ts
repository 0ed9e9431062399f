import { setFlagsFromString } from 'node:v8';
import { type Transferable, Worker } from 'node:worker_threads';

/** First message of every thread: it is ready and tells its facts, or it cannot start and tells why. */
export type Opening<Facts> = { readonly ready: Facts } | { readonly refused: string };

export interface WorkerLinkEvents<Message> {
  onMessage(message: Message): void;
  /** The thread died without being asked to. Comes at most once. */
  onDeath(error: Error): void;
}

/** The one message that every thread understands. */
export const CLOSE = 'close';

const CLOSE_TIMEOUT_MS = 10_000;

/**
 * What ONNX Runtime gives are arrays outside of the heap, which V8 adds to a heap that is small here: it would collect
 * everything after each 12 MB of them, a tenth of a small model's time. A heap that may begin with 64 MB is left alone
 * longer. V8 reads the flag when it makes a thread; no option of `Worker` says the same.
 */
setFlagsFromString('--initial-old-space-size=64');

/** One worker thread as its owner sees it: started until it is ready, watched, and closed in good order. */
export class WorkerLink<Message> {
  private isClosing = false;
  private isDead = false;
  private readonly exited: Promise<void>;

  private constructor(private readonly worker: Worker) {
    this.exited = new Promise((resolve) => {
      worker.once('exit', () => {
        this.isDead = true;
        resolve();
      });
    });
  }

  /**
   * Starts a thread and waits until it is ready. `script` is the compiled file below `dist/` of this app: threads
   * run compiled code also when the rest runs from source, as under Jest, since Node 20 starts no TypeScript.
   *
   * @throws Error with the reason when the thread refuses or dies before.
   */
  static async start<Message, Facts>(
    script: string,
    settings: unknown,
    events: WorkerLinkEvents<Message>,
  ): Promise<{ link: WorkerLink<Message>; facts: Facts }> {
    // From src/engine/threads as well as from dist/engine/threads this is the app's dist folder.
    const file = new URL(`../../../dist/${script}`, import.meta.url);
    const worker = new Worker(file, { workerData: settings, name: script });
    const link = new WorkerLink<Message>(worker);
    const opening = await new Promise<Opening<Facts>>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`Thread ${script} left with code ${code}.`)));
    });
    if ('refused' in opening) {
      await link.exited;
      throw new Error(opening.refused);
    }
    worker.removeAllListeners('error');
    worker.on('message', (message: Message) => events.onMessage(message));
    link.watch(script, events);
    return { link, facts: opening.ready };
  }

  get isAlive(): boolean {
    return !this.isDead;
  }

  post(message: unknown, transfer: readonly Transferable[] = []): void {
    this.worker.postMessage(message, [...transfer]);
  }

  /** Asks the thread to release what it holds and leave; ends it by force when it does not. */
  async close(): Promise<void> {
    if (this.isDead) return;
    this.isClosing = true;
    this.post(CLOSE);
    const timer = setTimeout(() => void this.worker.terminate(), CLOSE_TIMEOUT_MS);
    await this.exited;
    clearTimeout(timer);
  }

  private watch(script: string, events: WorkerLinkEvents<Message>): void {
    let cause: unknown;
    this.worker.on('error', (error) => {
      cause = error;
    });
    this.worker.once('exit', (code) => {
      if (!this.isClosing) events.onDeath(new Error(`Thread ${script} left with code ${code}.`, { cause }));
    });
  }
}
