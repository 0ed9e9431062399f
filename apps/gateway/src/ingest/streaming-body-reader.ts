import { setImmediate } from 'node:timers/promises';
import { BodyReader, type BodyReadOptions, type ReadBody } from './body-reader.js';
import { BodySource, type Source } from './body-source.js';
import { JsonScanner } from './json/json-scanner.js';
import { MediaTransfers } from './media/media-transfers.js';
import type { TextParser } from './text/text-parser.js';

/** What a request may hold beside its media. */
export const jsonLimits = {
  depth: 64,
  containers: 100_000,
  scalars: 1_000_000,
  keys: 1_024,
  textBytes: 4 * 1024 * 1024,
} as const;

export interface StreamingBodyReaderOptions {
  readonly maxBodyBytes: number;
  readonly texts: TextParser;
}

/**
 * Reads a body in flat memory: every byte is judged when it arrives, media are decoded on their way to the sink, and only
 * the text around them is kept.
 */
export class StreamingBodyReader extends BodyReader {
  constructor(private readonly options: StreamingBodyReaderOptions) {
    super();
  }

  async read(source: Source, { sink, signal, places }: BodyReadOptions): Promise<ReadBody> {
    const { maxBodyBytes, texts } = this.options;
    const transfers = new MediaTransfers(sink, (error) => body.stop(error));
    const scanner = new JsonScanner({ places, transfers, limits: jsonLimits });
    const consume = (chunk: Buffer, isLent: boolean) => scanChunk(chunk, isLent, scanner, transfers);
    const body = new BodySource(source, consume, { signal, maxBytes: maxBodyBytes });
    try {
      const byteSize = await body.read();
      const text = scanner.finish();
      const media = await transfers.finish();
      signal.throwIfAborted();
      return { value: await texts.parse(text, signal), media, byteSize };
    } catch (error) {
      if (!body.isInterrupted) throw await this.#firstOffence(transfers, error, signal);
      await transfers.abandon(error);
      throw error;
    }
  }

  /** What the client did wrong first; a request that is over meanwhile waits for nobody. */
  async #firstOffence(transfers: MediaTransfers, error: unknown, signal: AbortSignal): Promise<unknown> {
    const onAbort = (): void => void transfers.abandon(signal.reason);
    signal.addEventListener('abort', onAbort);
    try {
      return await transfers.conclude(error);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

function scanChunk(
  chunk: Buffer,
  isLent: boolean,
  scanner: JsonScanner,
  transfers: MediaTransfers,
): Promise<void> | undefined {
  const at = scanner.scan(chunk, 0);
  const isDone = at === chunk.length && !scanner.isBehind;
  return isDone ? undefined : scanRest(isLent ? Buffer.from(chunk) : chunk, at, scanner, transfers);
}

/** Goes on whenever a sink has caught up, and lets the event loop turn in between. */
async function scanRest(
  chunk: Buffer,
  from: number,
  scanner: JsonScanner,
  transfers: MediaTransfers,
): Promise<void> {
  for (let at = from; at < chunk.length || scanner.isBehind; at = scanner.scan(chunk, at)) {
    await (scanner.isBlocked ? transfers.wait() : setImmediate());
    if (transfers.isAbandoned) return;
  }
}
