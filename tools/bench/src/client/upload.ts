import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { ChatBody } from '../bodies/chat-body.js';
import { queuedBytes } from '../processes/socket-queues.js';

const SLICE_BYTES = 256 * 1024;

export interface UploadTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface UploadOptions {
  readonly signal: AbortSignal;
  /** Largest single write. */
  readonly sliceBytes?: number;
  /** Awaited before each write but the first, with the bytes that have been sent; for pacing. */
  readonly beforeSlice?: (sentBytes: number, upload: Upload) => Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** When its head arrived, in milliseconds since the upload began, as all times here. */
  readonly atMs: number;
  readonly completeAtMs: number;
  /** Bytes of the body the kernel had taken from the client by then. */
  readonly sentBytes: number;
  /** Those of them that the server had read. What it reads to throw away counts too. */
  readonly consumedBytes: number;
}

/** Waits until a client of that speed may send its next byte. */
export function pacedAt(bytesPerSecond: number): (sentBytes: number) => Promise<void> {
  const startedAtMs = performance.now();
  return async (sentBytes) => {
    const dueAtMs = startedAtMs + (sentBytes / bytesPerSecond) * 1000;
    const leftMs = dueAtMs - performance.now();
    if (leftMs > 0) await pause(leftMs);
  };
}

/**
 * One upload on a connection of its own, as fast as the server takes it. Sent means that the kernel has it: what waits
 * in its buffers (some MiB on loopback) counts as sent.
 */
export class Upload {
  #sentBytes = 0;
  #isAnswered = false;
  readonly #startedAtMs = performance.now();
  readonly #request: ClientRequest;
  /** Resolves with the whole answer, however much was sent; rejects when the connection breaks before. */
  readonly answer: Promise<Answer>;
  /** Milliseconds until the last byte was sent; undefined when the server did not want it. */
  readonly sent: Promise<number | undefined>;

  constructor(
    target: UploadTarget,
    private readonly body: ChatBody,
    private readonly options: UploadOptions,
  ) {
    const headers = {
      'content-type': 'application/json',
      'content-length': `${body.byteLength}`,
      ...target.headers,
    };
    this.#request = request(target.url, { method: 'POST', headers, agent: false, signal: options.signal });
    this.answer = this.#readAnswer();
    this.sent = this.#send();
    // Each is awaited by those who care for it; a break of the connection rejects both.
    this.answer.catch(() => undefined);
    this.sent.catch(() => undefined);
  }

  /** Milliseconds since the upload began. */
  elapsedMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  /** Bytes of the body the server has read. */
  consumedBytes(): number {
    const { localPort, remotePort } = this.#request.socket ?? {};
    if (localPort === undefined || remotePort === undefined) return 0;
    return Math.max(0, this.#sentBytes - queuedBytes(localPort, remotePort));
  }

  /** Breaks the connection. */
  destroy(): void {
    this.#request.destroy();
  }

  async #send(): Promise<number | undefined> {
    const { sliceBytes = SLICE_BYTES, beforeSlice } = this.options;
    for (const slice of this.body.slices(sliceBytes)) {
      if (this.#sentBytes > 0) await beforeSlice?.(this.#sentBytes, this);
      if (this.#isAnswered) return undefined;
      const error = await this.#write(slice);
      if (this.#isAnswered) return undefined;
      if (error !== undefined) throw error;
    }
    this.#request.end();
    return this.elapsedMs();
  }

  #write(slice: Buffer): Promise<Error | undefined> {
    return new Promise((resolve) => {
      this.#request.write(slice, (error) => {
        if (!error) this.#sentBytes += slice.length;
        resolve(error ?? undefined);
      });
    });
  }

  async #readAnswer(): Promise<Answer> {
    const [response] = (await once(this.#request, 'response')) as [IncomingMessage];
    const atMs = this.elapsedMs();
    const sentBytes = this.#sentBytes;
    const consumedBytes = this.consumedBytes();
    this.#isAnswered = true;
    // From here on the server may hang up on the rest of the body.
    this.#request.on('error', () => undefined);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const status = response.statusCode ?? 0;
    return { status, text, atMs, completeAtMs: this.elapsedMs(), sentBytes, consumedBytes };
  }
}
