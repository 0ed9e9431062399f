import { FoveaError } from '@fovea/errors';
import { Mailbox } from '../../../engine/threads/mailbox.js';
import { fromThreadError } from '../../../engine/threads/thread-error.js';
import { WorkerLink } from '../../../engine/threads/worker-link.js';
import type {
  FromWindowThread,
  ToWindowThread,
  WindowThreadFacts,
  WindowThreadSettings,
} from './window-protocol.js';
import type { WindowPiece, WindowTask } from './window-task.js';

/** What is going on in the thread, as of its last turn. */
export interface WindowLoad {
  readonly running: number;
  /** Since the start: decode steps, and the tokens that they took in. */
  readonly steps: number;
  readonly stepTokens: number;
}

/** The decoder thread as a model sees it: windows go in, pieces come out, an abort frees the window. */
export class WindowThread {
  private readonly open = new Map<number, Mailbox<WindowPiece>>();
  private link: WorkerLink<FromWindowThread> | undefined;
  private lastId = 0;
  private current: WindowLoad = { running: 0, steps: 0, stepTokens: 0 };

  private constructor() {}

  /** Throws an `Error` with the file and the reason when the graph or the tokenizer cannot be used. */
  static async start(
    settings: WindowThreadSettings,
  ): Promise<{ thread: WindowThread; facts: WindowThreadFacts }> {
    const thread = new WindowThread();
    const { link, facts } = await WorkerLink.start<FromWindowThread, WindowThreadFacts>(
      'models/whisper/decoder/window-entry.js',
      settings,
      { onMessage: (tick) => thread.deliver(tick), onDeath: (error) => thread.failAll(error) },
    );
    thread.link = link;
    return { thread, facts };
  }

  get isHealthy(): boolean {
    return this.link?.isAlive === true;
  }

  get load(): WindowLoad {
    return this.current;
  }

  /** Yields pieces until the window is written. Throws the signal's reason after an abort. */
  async *write(task: Omit<WindowTask, 'id'>, signal: AbortSignal): AsyncGenerator<WindowPiece, void> {
    signal.throwIfAborted();
    const { link } = this;
    if (link?.isAlive !== true) throw new FoveaError('INTERNAL', { detail: 'The decoder thread is gone.' });
    const id = ++this.lastId;
    const pieces = new Mailbox<WindowPiece>();
    const onAbort = () => {
      // At once, not when the reader asks again: a slow reader may be far behind.
      this.post(link, { cancel: id });
      pieces.fail(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.open.set(id, pieces);
    let hasEnded = false;
    try {
      this.post(link, { write: { ...task, id } });
      while (!hasEnded) {
        const piece = await pieces.take();
        hasEnded = piece.end !== undefined;
        yield piece;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.open.delete(id);
      if (!hasEnded) this.post(link, { cancel: id });
    }
  }

  async close(): Promise<void> {
    await this.link?.close();
    this.failAll(new Error('The decoder thread was closed.'));
  }

  private post(link: WorkerLink<unknown>, message: ToWindowThread): void {
    link.post(message, 'write' in message ? [message.write.sound.values.buffer as ArrayBuffer] : []);
  }

  private deliver({ pieces, failures, ...load }: FromWindowThread): void {
    this.current = load;
    for (const { id, ...piece } of pieces) this.open.get(id)?.put(piece);
    for (const { id, error } of failures) this.open.get(id)?.fail(fromThreadError(error));
  }

  private failAll(error: Error): void {
    this.current = { ...this.current, running: 0 };
    for (const pieces of this.open.values()) pieces.fail(error);
  }
}
