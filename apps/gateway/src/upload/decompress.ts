import { pipeline, Readable } from 'node:stream';
import zlib from 'node:zlib';
import { FoveaError } from '@fovea/errors';
import { tooLarge } from '../ingest/too-large.js';
import type { Coding } from './content-encoding.js';
import { isLargeWindow, type LargeWindows } from './large-windows.js';

/** More output than this for one byte of input is no request, it is a bomb. */
export const MAX_DECOMPRESSION_RATIO = 100;
/** Short texts may repeat themselves: up to here every ratio is fine. */
const RATIO_FREE_BYTES = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

/**
 * What one decoder holds at most: the window of its format (32 KiB; 16 MiB for Brotli, whose larger windows zlib
 * refuses by default, and half of that while it grows), its tables and a few pieces of output. Measured with the largest
 * windows.
 */
const decoderBytes: Readonly<Record<Coding, number>> = {
  gzip: 192 * 1024,
  deflate: 192 * 1024,
  br: 26 * 1024 * 1024,
};

export const memoryOf = (codings: readonly Coding[]): number =>
  codings.reduce((sum, coding) => sum + decoderBytes[coding], 0);

const engines: Readonly<Record<Coding, () => zlib.Gunzip | zlib.Inflate | zlib.BrotliDecompress>> = {
  gzip: () => zlib.createGunzip({ chunkSize: PIECE_BYTES }),
  deflate: () => zlib.createInflate({ chunkSize: PIECE_BYTES }),
  br: () => zlib.createBrotliDecompress({ chunkSize: PIECE_BYTES }),
};

export interface DecompressionWatch {
  readonly maxBodyBytes: number;
  /** Bytes that came off the wire so far. */
  readonly wireBytes: () => number;
  /** Called with the size of the decoded body as it grows; what it throws ends the body. */
  readonly onDecoded: (bytes: number) => void;
  readonly windows: LargeWindows;
  /** Aborted when nobody wants the body any more. */
  readonly signal: AbortSignal;
}

/**
 * The decoded bytes of a body, in pieces of at most 64 KiB. Unpacking happens in zlib's threads, one piece at a time
 * and only as fast as the result is read. Ends with `INVALID_REQUEST` for data that is broken, cut off or followed by
 * other bytes, and with `PAYLOAD_TOO_LARGE` for more than the limit or a bomb.
 */
export function decompress(
  source: Readable,
  codings: readonly Coding[],
  watch: DecompressionWatch,
): Readable {
  let bytes: AsyncIterable<Uint8Array> = source;
  // The last coding was applied last, so it comes off first.
  for (const coding of codings.toReversed()) bytes = decoded(bytes, coding, watch);
  return Readable.from(counted(bytes, watch.onDecoded), { objectMode: false, highWaterMark: PIECE_BYTES });
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  onBytes: (total: number) => void,
): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const piece of source) {
    total += piece.length;
    onBytes(total);
    yield piece;
  }
}

async function* decoded(
  source: AsyncIterable<Uint8Array>,
  coding: Coding,
  watch: DecompressionWatch,
): AsyncGenerator<Uint8Array> {
  let fedBytes = 0;
  const wire = source[Symbol.asyncIterator]();
  const first = await wire.next();
  const isLarge = coding === 'br' && first.done !== true && isLargeWindow(first.value[0] ?? 0);
  const leave = isLarge ? await watch.windows.enter(watch.signal) : undefined;
  const engine = engines[coding]();
  const feed = counted(startingWith(first, wire), (total) => {
    fedBytes = total;
  });
  // An error of the source destroys the engine with it, and so reaches the loop below.
  pipeline(feed, engine, () => {});
  const pieces = counted(engine, (total) => checkSize(total, watch));
  try {
    yield* pieces;
    // zlib ends quietly when a stream is over before its input is.
    if (engine.bytesWritten < fedBytes) throw invalid(coding, 'there are bytes behind its end');
  } catch (error) {
    throw isOfZlib(error) ? invalid(coding, reasonOf(error)) : error;
  } finally {
    engine.destroy();
    leave?.();
  }
}

async function* startingWith(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (first.done === true) return;
  yield first.value;
  yield* { [Symbol.asyncIterator]: () => rest };
}

/** Holds for every layer: a bomb may hide its size in the inner one. */
function checkSize(total: number, { maxBodyBytes, wireBytes }: DecompressionWatch): void {
  if (total > maxBodyBytes) throw tooLarge(maxBodyBytes, undefined);
  if (total <= RATIO_FREE_BYTES || total <= wireBytes() * MAX_DECOMPRESSION_RATIO) return;
  throw new FoveaError('PAYLOAD_TOO_LARGE', {
    message: `The body unpacks to more than ${MAX_DECOMPRESSION_RATIO} times its size.`,
    limit: {
      name: 'max_decompression_ratio',
      value: MAX_DECOMPRESSION_RATIO,
      actual: Math.ceil(total / Math.max(1, wireBytes())),
    },
  });
}

/** zlib marks its own errors with a number; a lack of memory is none of the client's. */
const isOfZlib = (error: unknown): error is { readonly code: unknown } =>
  typeof error === 'object' &&
  error !== null &&
  'errno' in error &&
  typeof error.errno === 'number' &&
  'code' in error &&
  error.code !== 'Z_MEM_ERROR';

const reasonOf = ({ code }: { readonly code: unknown }): string =>
  code === 'Z_BUF_ERROR' ? 'it is cut off' : 'its data is broken';

const invalid = (coding: Coding, why: string): FoveaError =>
  new FoveaError('INVALID_REQUEST', { message: `The body is not valid ${coding}: ${why}.` });
