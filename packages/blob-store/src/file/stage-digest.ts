import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { FoveaError } from '@fovea/errors';

interface Answer {
  readonly call: number;
  readonly digest: Uint8Array | undefined;
}

interface Waiting {
  readonly resolve: (digest: Uint8Array | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** The hashing thread of a process; started with the first large upload, and again after it died. */
class DigestThread {
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;

  ask(message: {
    upload: number;
    stage?: Uint8Array;
    length?: number;
    ends?: boolean;
  }): Promise<Uint8Array | undefined> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    this.#calls += 1;
    const call = this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      worker.ref();
      worker.postMessage({ call, ...message });
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL('./digest-thread.mjs', import.meta.url));
    worker.on('message', ({ call, digest }: Answer) => {
      this.#waiting.get(call)?.resolve(digest);
      this.#waiting.delete(call);
      // An idle thread must not keep the process.
      if (this.#waiting.size === 0) worker.unref();
    });
    worker.on('error', (cause) => {
      this.#worker = undefined;
      const error = new FoveaError('INTERNAL', { detail: 'the hashing thread died', cause });
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
    worker.unref();
    return worker;
  }
}

/** The most the event loop hashes itself: waking the thread costs more. */
const MAX_BYTES_HERE = 64 * 1024;

const thread = new DigestThread();
let uploads = 0;

/**
 * SHA-256 of an upload that comes in stages: stages in shared memory are hashed by a thread while the event loop goes
 * on; what is small is hashed here.
 */
export class StageDigest {
  readonly #upload = ++uploads;
  #isInThread = false;

  /** Resolves when the stage may be written over. */
  async add(stage: Uint8Array, length: number): Promise<void> {
    this.#isInThread = true;
    await thread.ask({ upload: this.#upload, stage, length });
  }

  /** The digest, with the last stage. */
  async end(stage: Uint8Array, length: number): Promise<Buffer> {
    if (!this.#isInThread && length <= MAX_BYTES_HERE) {
      return createHash('sha256').update(stage.subarray(0, length)).digest();
    }
    const digest = await thread.ask({ upload: this.#upload, stage, length, ends: true });
    if (digest === undefined)
      throw new FoveaError('INTERNAL', { detail: 'the hashing thread gave no digest' });
    return Buffer.from(digest);
  }

  /** Forgets an upload that failed. */
  drop(): void {
    if (this.#isInThread) thread.ask({ upload: this.#upload, ends: true }).catch(() => {});
  }
}
