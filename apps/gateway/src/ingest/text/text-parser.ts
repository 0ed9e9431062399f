import { setImmediate } from 'node:timers/promises';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { graft, hasRoot, isTextPiece } from './text-pieces.js';

/** Texts above this are parsed in a thread. */
const THREAD_BYTES = 256 * 1024;
/** The thread is ended when it had nothing to do for so long. */
const IDLE_MS = 30_000;
/** How long pieces of a value may be taken in before the event loop turns. */
const SLICE_MS = 2;

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * `JSON.parse` for texts that the scanner has found valid. Large ones are parsed in a worker thread, which is started
 * with the first of them, keeps no process alive, and leaves when it is idle.
 */
export class TextParser {
  #thread: Worker | undefined;
  /** In the order in which the thread will answer. */
  #waiters: Waiter[] = [];
  #idle: NodeJS.Timeout | undefined;

  /** `text` is the parser's from now on. Rejects with the signal's reason when it aborts. */
  async parse(text: Buffer, signal: AbortSignal): Promise<unknown> {
    if (text.length <= THREAD_BYTES) {
      const value: unknown = JSON.parse(text.toString('utf8'));
      return value;
    }
    const { port1, port2 } = new MessageChannel();
    try {
      await this.#inThread(text, port2, signal);
      return await takeIn(port1, signal);
    } finally {
      port1.close();
    }
  }

  /** Ends the thread. Texts that are being parsed fail. */
  async close(): Promise<void> {
    await this.#leave(this.#thread, new Error('the text parser was closed'));
  }

  #inThread(text: Buffer, port: MessagePort, signal: AbortSignal): Promise<void> {
    const thread = this.#started();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      const settled =
        <T extends unknown[]>(settle: (...values: T) => void) =>
        (...values: T): void => {
          signal.removeEventListener('abort', onAbort);
          settle(...values);
        };
      this.#waiters.push({ resolve: settled(resolve), reject: settled(reject) });
      thread.ref();
      thread.postMessage({ text, port }, [port, text.buffer as ArrayBuffer]);
    });
  }

  #started(): Worker {
    clearTimeout(this.#idle);
    if (this.#thread !== undefined) return this.#thread;
    const thread = new Worker(new URL('./parse-thread.mjs', import.meta.url), { name: 'parse-thread' });
    thread.on('message', () => {
      this.#waiters.shift()?.resolve();
      if (this.#waiters.length > 0) return;
      thread.unref();
      this.#idle = setTimeout(() => void this.#leave(thread), IDLE_MS).unref();
    });
    thread.once('error', (error) => void this.#leave(thread, error));
    this.#thread = thread;
    return thread;
  }

  async #leave(thread: Worker | undefined, reason?: unknown): Promise<void> {
    if (thread === undefined || thread !== this.#thread) return;
    clearTimeout(this.#idle);
    this.#thread = undefined;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(reason);
    await thread.terminate();
  }
}

/** The port is never started: messages are received, which is where their cost lies, one at a time. */
async function takeIn(port: MessagePort, signal: AbortSignal): Promise<unknown> {
  const first: unknown = receiveMessageOnPort(port)?.message;
  if (!hasRoot(first)) throw new Error('the thread sent no value');
  let begunAtMs = performance.now();
  for (;;) {
    const piece: unknown = receiveMessageOnPort(port)?.message;
    if (piece === undefined) return first.root;
    if (!isTextPiece(piece)) throw new Error('the thread sent no piece');
    graft(first.root, piece);
    if (performance.now() - begunAtMs < SLICE_MS) continue;
    await setImmediate();
    signal.throwIfAborted();
    begunAtMs = performance.now();
  }
}
