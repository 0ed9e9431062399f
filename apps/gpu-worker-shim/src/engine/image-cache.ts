import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

/** What an encoder made of one image. */
export interface ImageFeatures<Grid> {
  /** How the image was cut; the prompt is written after it. */
  readonly grid: Grid;
  /** Embeddings, one after the other. */
  readonly embeddings: Float32Array;
}

interface Flight<Grid> {
  readonly result: Promise<ImageFeatures<Grid>>;
  readonly abort: AbortController;
  waiting: number;
}

/** Hashed in less than a few milliseconds. */
const SLICE_BYTES = 2 ** 20;

/** Lets the event loop turn between slices. WebCrypto would hash in other threads, but copy the whole image before. */
async function sha256Of(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    if (at > 0) await setImmediate();
    hash.update(bytes.subarray(at, at + SLICE_BYTES));
  }
  return hash.digest('base64url');
}

/**
 * Name of an image under the settings it is processed with.
 *
 * @param image.sha256 of the bytes, base64url, where it is known already
 * @param settings what besides the bytes decides on the embeddings, and who may share them
 */
export async function imageDigest(
  { bytes, sha256 }: { readonly bytes: Uint8Array; readonly sha256?: string },
  settings: string,
): Promise<string> {
  return `${sha256 ?? (await sha256Of(bytes))} ${settings}`;
}

/**
 * Embeddings of images by the digest of what they were made of, so that a second question about an image costs neither
 * decoding nor encoding. Bounded in bytes; what was used last stays. An image that is asked for while it is
 * encoded is waited for, not encoded again.
 */
export class ImageCache<Grid> {
  private readonly entries = new Map<string, ImageFeatures<Grid>>();
  private readonly flights = new Map<string, Flight<Grid>>();
  private held = 0;
  /** Images that were asked for, and those that needed no work, since the start. */
  queries = 0;
  hits = 0;

  /** @param maxBytes 0: keep nothing. */
  constructor(private readonly maxBytes: number) {}

  /** Bytes of embeddings that are kept. */
  get bytes(): number {
    return this.held;
  }

  find(digest: string): ImageFeatures<Grid> | undefined {
    const found = this.entries.get(digest);
    if (found === undefined) return undefined;
    this.entries.delete(digest);
    this.entries.set(digest, found);
    return found;
  }

  /**
   * What is kept or being made under this digest, else what `encode` makes. Its signal is aborted when nobody waits for it
   * any more. Throws the caller's reason when that comes first.
   */
  async encode(
    digest: string,
    encode: (signal: AbortSignal) => Promise<ImageFeatures<Grid>>,
    signal: AbortSignal,
  ): Promise<ImageFeatures<Grid>> {
    signal.throwIfAborted();
    const flight = this.flights.get(digest) ?? this.start(digest, encode);
    flight.waiting += 1;
    let onAbort: () => void = () => undefined;
    const aborted = new Promise<never>((_resolve, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([flight.result, aborted]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      flight.waiting -= 1;
      if (flight.waiting === 0) {
        // The next one must not join what is being given up.
        if (this.flights.get(digest) === flight) this.flights.delete(digest);
        flight.abort.abort(signal.reason);
      }
    }
  }

  private start(digest: string, encode: (signal: AbortSignal) => Promise<ImageFeatures<Grid>>): Flight<Grid> {
    const abort = new AbortController();
    const result = encode(abort.signal).then((features) => {
      this.keep(digest, features);
      return features;
    });
    const flight = { result, abort, waiting: 0 };
    this.flights.set(digest, flight);
    const land = () => {
      if (this.flights.get(digest) === flight) this.flights.delete(digest);
    };
    result.then(land, land);
    return flight;
  }

  private keep(digest: string, features: ImageFeatures<Grid>): void {
    const { byteLength } = features.embeddings;
    if (byteLength > this.maxBytes || this.entries.has(digest)) return;
    this.entries.set(digest, features);
    this.held += byteLength;
    for (const [oldest, { embeddings }] of this.entries) {
      if (this.held <= this.maxBytes) return;
      this.entries.delete(oldest);
      this.held -= embeddings.byteLength;
    }
  }
}
