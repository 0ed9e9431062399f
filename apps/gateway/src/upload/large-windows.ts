import { FoveaError } from '@fovea/errors';

/** What does not wait: four times 2^20 bytes, the window that Brotli's encoders use unless they are told otherwise. */
const USUAL_WINDOW_BITS = 22;
/** Bodies with a larger window that are unpacked at once: each takes up to 24 MiB, half of it while the window grows. */
export const MAX_LARGE_WINDOWS = 2;
const MAX_WAIT_MS = 30_000;
const RETRY_AFTER_S = 5;

/** Whether a Brotli stream that begins with this byte declares a window of over 4 MiB (RFC 7932, 9.1). */
export function isLargeWindow(firstByte: number): boolean {
  // One bit tells the shortest code, the three behind it count from 17; 0 there stands for all windows below 18 bits.
  const bits = (firstByte & 1) === 0 ? 16 : 17 + ((firstByte >> 1) & 7);
  return bits > USUAL_WINDOW_BITS;
}

interface Waiter {
  readonly enter: () => void;
}

/** The places for decoders that need much memory. Who finds none waits for its turn; its upload stands still meanwhile. */
export class LargeWindows {
  #taken = 0;
  readonly #waiting = new Set<Waiter>();

  constructor(private readonly maxWaitMs: number = MAX_WAIT_MS) {}

  /**
   * Resolves with what gives the place back. Throws `QUEUE_FULL` after 30 s, and the signal's reason when nobody wants the
   * place any more.
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#taken === MAX_LARGE_WINDOWS) await this.#turn(signal);
    else this.#taken += 1;
    return () => this.#leave();
  }

  /** A place is handed over without being free in between, so that nobody overtakes. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#taken -= 1;
    else next.enter();
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#waiting.delete(waiter);
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter = {
        enter: () => {
          settle();
          resolve();
        },
      };
      const onAbort = (): void => {
        settle();
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        settle();
        reject(crowded());
      }, this.maxWaitMs);
      signal.addEventListener('abort', onAbort);
      this.#waiting.add(waiter);
    });
  }
}

const crowded = (): FoveaError =>
  new FoveaError('QUEUE_FULL', {
    message:
      'Too many Brotli bodies with a window of over 4 MiB are being unpacked; smaller windows (lgwin 22) never wait.',
    limit: { name: 'max_large_brotli_windows', value: MAX_LARGE_WINDOWS },
    retryAfterS: RETRY_AFTER_S,
  });
