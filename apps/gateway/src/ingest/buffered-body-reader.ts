import type { Readable } from 'node:stream';
import { FoveaError } from '@fovea/errors';
import type { BlobRef } from '@fovea/schemas/jobs';
import { BodyReader, type BodyReadOptions, type ReadBody } from './body-reader.js';
import { base64Of, decodeBase64 } from './data-url.js';
import { collectImageUrls } from './image-places.js';
import { tooLarge } from './too-large.js';

export interface BufferedBodyReaderOptions {
  readonly maxBodyBytes: number;
  /** The longest silence of a client in the middle of its upload. */
  readonly idleTimeoutMs: number;
}

/** Reads the whole body into memory, then parses it with `JSON.parse`. */
export class BufferedBodyReader extends BodyReader {
  constructor(private readonly options: BufferedBodyReaderOptions) {
    super();
  }

  async read(source: Readable, options: BodyReadOptions): Promise<ReadBody> {
    const body = await this.#collect(source, options);
    const value = parseJson(body);
    const media = new Map<string, BlobRef>();
    for (const place of collectImageUrls(value)) {
      options.signal.throwIfAborted();
      const text = base64Of(place.holder.url, place.path);
      media.set(place.path, await options.sink(asAsync(decodeBase64(text, place.path)), place.path));
      place.holder.url = '';
    }
    return { value, media, byteSize: body.length };
  }

  async #collect(source: Readable, { signal }: BodyReadOptions): Promise<Buffer> {
    const { maxBodyBytes, idleTimeoutMs } = this.options;
    const chunks: Buffer[] = [];
    let total = 0;
    return new Promise<Buffer>((resolve, reject) => {
      const idle = setTimeout(() => fail(new FoveaError('REQUEST_TIMEOUT')), idleTimeoutMs);
      const settle = (): void => {
        clearTimeout(idle);
        signal.removeEventListener('abort', onAbort);
        source.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
      };
      // After a refusal the rest of the upload is thrown away unread, so that the client gets to see the answer.
      const fail = (error: unknown): void => {
        settle();
        source.on('error', () => {});
        source.resume();
        reject(error);
      };
      const onAbort = (): void => fail(whileUploading(signal.reason));
      const onGone = (): void => fail(new FoveaError('CLIENT_CLOSED'));
      const onData = (chunk: Buffer): void => {
        idle.refresh();
        total += chunk.length;
        if (total > maxBodyBytes) fail(tooLarge(maxBodyBytes, undefined));
        else chunks.push(chunk);
      };
      const onEnd = (): void => {
        settle();
        resolve(Buffer.concat(chunks, total));
      };
      signal.addEventListener('abort', onAbort);
      source.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
    });
  }
}

/** Time that ran out before the body was there is the upload's, not the model's. */
function whileUploading(reason: unknown): unknown {
  const isTimeout = FoveaError.isInstance(reason) && reason.code === 'TIMEOUT';
  return isTimeout ? new FoveaError('REQUEST_TIMEOUT', { limit: reason.limit }) : reason;
}

function parseJson(body: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new FoveaError('INVALID_REQUEST', { message: 'The body is not valid UTF-8.', cause });
  }
  if (text.trim() === '') throw new FoveaError('INVALID_REQUEST', { message: 'The body is empty.' });
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    // The parser's own message quotes the body, which may be media.
    throw new FoveaError('INVALID_REQUEST', { message: 'The body is not valid JSON.' });
  }
}

async function* asAsync(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield piece;
}
