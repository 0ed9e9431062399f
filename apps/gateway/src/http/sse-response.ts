import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** Bytes a slow reader may leave with us; the rest stays in the log and is read from there when there is room. */
export const MAX_HELD_BYTES = 256 * 1024;

/**
 * A server-sent event stream on a raw response. Headers go out with the first frame, so that an error before it is
 * still a status. No comments, no `event:` or `id:` lines: clients here treat them as errors.
 */
export class SseResponse {
  constructor(
    private readonly response: ServerResponse,
    private readonly headers: Readonly<Record<string, string | number>>,
    private readonly signal: AbortSignal,
  ) {}

  /** Writes frames; returns when the reader has room for more, or throws the signal's reason. */
  async write(frames: string): Promise<void> {
    this.signal.throwIfAborted();
    this.#begin();
    this.response.write(frames);
    if (this.response.writableLength <= MAX_HELD_BYTES) return;
    try {
      await once(this.response, 'drain', { signal: this.signal });
    } catch (error) {
      throw this.signal.aborted ? this.signal.reason : error;
    }
  }

  end(frames: string): void {
    this.#begin();
    this.response.end(frames);
  }

  /**
   * Ends a broken stream so that nobody can take it for a whole one: the error event is flushed, then the connection
   * is closed without the end marker of the chunked body.
   */
  break(frames: string): void {
    this.#begin();
    const { socket } = this.response;
    this.response.write(frames, () => socket?.destroySoon());
  }

  /** An answer may end with its first frames: whoever writes first sends the headers. */
  #begin(): void {
    if (this.response.headersSent) return;
    this.response.writeHead(200, {
      ...this.headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    this.response.socket?.setNoDelay(true);
  }
}
