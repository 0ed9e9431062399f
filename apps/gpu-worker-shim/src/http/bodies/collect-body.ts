import type { Readable } from 'node:stream';
import { MalformedRequest } from '../vllm-error.js';
import { type BodyMemory, LargeBody } from './large-body.js';

/** Bodies of more bytes are parsed in a thread. */
export const LARGE_BODY_BYTES = 256 * 1024;

/** More bytes than a body may have. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

/** The chunks of a body that has not ended. */
class BodyChunks {
  private chunks: Buffer[] = [];
  private byteLength = 0;
  private large: LargeBody | undefined;

  constructor(
    private readonly maxBytes: number,
    private readonly memory: BodyMemory,
  ) {}

  add(chunk: Buffer): void {
    this.byteLength += chunk.length;
    if (this.byteLength > this.maxBytes) throw new BodyTooLarge();
    this.chunks.push(chunk);
    if (this.byteLength <= LARGE_BODY_BYTES) return;
    this.large ??= new LargeBody(this.memory);
    for (const waiting of this.chunks.splice(0)) this.large.add(waiting);
  }

  finish(): Buffer | LargeBody {
    return this.large ?? Buffer.concat(this.chunks);
  }

  drop(): void {
    this.large?.release();
    this.chunks = [];
  }
}

/**
 * Reads a body to its end. Where it fails, what has come is dropped, and the rest of the stream flows into nothing.
 *
 * @param declaredBytes `content-length`; NaN: not told
 * @throws BodyTooLarge, at once where the length is declared; `QUEUE_FULL` where other bodies take all memory;
 * MalformedRequest where the stream breaks off.
 */
export function collectBody(
  stream: Readable,
  declaredBytes: number,
  maxBytes: number,
  memory: BodyMemory,
): Promise<Buffer | LargeBody> {
  return new Promise((resolve, reject) => {
    if (declaredBytes > maxBytes) {
      reject(new BodyTooLarge());
      return;
    }
    const chunks = new BodyChunks(maxBytes, memory);
    const leave = (): void => {
      stream.off('data', onData).off('end', onEnd).off('close', onBreak).off('error', onBreak);
      // A body that is whole, or given up, is no matter of its stream any more; unheard errors would end the process.
      stream.on('error', () => undefined);
    };
    const fail = (error: unknown): void => {
      leave();
      chunks.drop();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      try {
        chunks.add(chunk);
      } catch (error) {
        fail(error);
      }
    };
    const onEnd = (): void => {
      leave();
      resolve(chunks.finish());
    };
    const onBreak = (): void => fail(new MalformedRequest('The body breaks off.'));
    stream.on('data', onData).once('end', onEnd).once('close', onBreak).once('error', onBreak).resume();
  });
}
