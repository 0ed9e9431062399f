import { Worker } from 'node:worker_threads';
import type { RedisSettings } from '@fovea/redis';
import { z } from 'zod';
import type { HeldLock, RenewalSettings, ToRenewalThread } from './lock-messages.js';

/** A worker that dies loses its jobs after this long. */
export const LOCK_MS = 1_500;
const RENEW_EVERY_MS = 400;
const HEARTBEAT_MS = 200;
const RESTART_DELAY_MS = 50;

const messageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('lost'), holdId: z.number() }),
  z.object({ kind: z.literal('failing'), message: z.string() }),
]);

interface Hold {
  readonly held: HeldLock;
  readonly onLost: () => void;
}

/**
 * Keeps the locks of all leases of a process from a thread of its own, so that a busy event loop does not lose jobs
 * it works on. The thread watches the loop's heartbeat: a loop that is dead for good must not keep jobs for ever.
 */
export class LockRenewal {
  readonly #holds = new Map<number, Hold>();
  readonly #settings: RenewalSettings;
  readonly #beat: NodeJS.Timeout;
  #thread: Worker;
  #nextHoldId = 1;
  #isClosed = false;
  #markReady: () => void = () => undefined;
  /** Resolves when the thread can renew; a lock lives too short to wait for a thread to start. */
  readonly ready: Promise<void>;

  constructor(
    redis: RedisSettings,
    blockedLoopMs: number,
    private readonly onError: (error: Error) => void,
  ) {
    const heartbeat = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    this.#settings = {
      url: redis.url,
      connectionName: `${redis.clientName}:locks`,
      lockMs: LOCK_MS,
      renewEveryMs: RENEW_EVERY_MS,
      blockedLoopMs,
      heartbeat,
    };
    const counter = new Int32Array(heartbeat);
    this.#beat = setInterval(() => Atomics.add(counter, 0, 1), HEARTBEAT_MS).unref();
    this.ready = new Promise((resolve) => {
      this.#markReady = resolve;
    });
    this.#thread = this.#start();
  }

  /** Renews a lock until the returned function is called. `onLost` is called at most once. */
  hold(lock: Omit<HeldLock, 'holdId'>, onLost: () => void): () => void {
    const holdId = this.#nextHoldId++;
    const held = { ...lock, holdId };
    this.#holds.set(holdId, { held, onLost });
    this.#tell({ kind: 'hold', held });
    return () => {
      if (this.#holds.delete(holdId)) this.#tell({ kind: 'release', holdId });
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#markReady();
    clearInterval(this.#beat);
    this.#holds.clear();
    await this.#thread.terminate();
  }

  #start(): Worker {
    const thread = new Worker(new URL('./lock-renewal-thread.mjs', import.meta.url), {
      name: 'fovea-lock-renewal',
      workerData: this.#settings,
      // Loaders and inspectors of the main thread are none of its business.
      execArgv: [],
    });
    thread.unref();
    thread.on('message', (message: unknown) => this.#hear(message));
    thread.on('error', (error) => this.onError(error));
    thread.on('exit', () => this.#restart());
    return thread;
  }

  /** A thread that ended by itself (out of memory, a bug) is replaced before the locks lapse. */
  #restart(): void {
    if (this.#isClosed) return;
    this.onError(new Error('the lock renewal thread ended and is started again'));
    setTimeout(() => {
      if (this.#isClosed) return;
      this.#thread = this.#start();
      for (const { held } of this.#holds.values()) this.#tell({ kind: 'hold', held });
    }, RESTART_DELAY_MS);
  }

  #hear(message: unknown): void {
    const heard = messageSchema.parse(message);
    if (heard.kind === 'ready') {
      this.#markReady();
    } else if (heard.kind === 'failing') {
      this.onError(new Error(`locks cannot be renewed: ${heard.message}`));
    } else {
      const hold = this.#holds.get(heard.holdId);
      this.#holds.delete(heard.holdId);
      hold?.onLost();
    }
  }

  #tell(message: ToRenewalThread): void {
    this.#thread.postMessage(message);
  }
}
