import type { FileHandle } from 'node:fs/promises';
import { FoveaError } from '@fovea/errors';

/** Bytes of one read. A multiple of 3, so that who encodes chunks as base64 carries nothing over. */
export const CHUNK_BYTES = 384 * 1024;

/**
 * The first `byteSize` bytes of a file, one chunk read ahead; closes the file at the end, also when it is left early.
 *
 * Two buffers take turns, so a chunk holds until the next one is asked for. A stream of Node would allocate each anew:
 * most of its time goes into memory the process has not touched before. Throws `GONE` when the file is shorter.
 */
export async function* readChunks(
  handle: FileHandle,
  byteSize: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  const chunkBytes = Math.min(CHUNK_BYTES, byteSize);
  let filling = Buffer.allocUnsafeSlow(chunkBytes);
  let other = Buffer.allocUnsafeSlow(Math.min(chunkBytes, byteSize - chunkBytes));
  let read = 0;
  const startRead = (buffer: Buffer): Promise<number> => {
    const length = Math.min(buffer.length, byteSize - read);
    const reading = handle.read(buffer, 0, length, read).then(({ bytesRead }) => bytesRead);
    // It may fail before anybody waits for it, or after the reader has left.
    reading.catch(() => {});
    return reading;
  };
  try {
    let reading = startRead(filling);
    while (read < byteSize) {
      const length = await reading;
      signal?.throwIfAborted();
      if (length === 0)
        throw new FoveaError('GONE', { detail: `a blob ended at ${read} of ${byteSize} bytes` });
      read += length;
      const chunk = filling.subarray(0, length);
      if (read < byteSize) {
        [filling, other] = [other, filling];
        reading = startRead(filling);
      }
      yield chunk;
    }
  } finally {
    // Waits for a read that is under way.
    await handle.close();
  }
}
