import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CHUNK_BYTES, readChunks } from './read-chunks.js';

describe('readChunks', () => {
  let folder: string;
  let handle: FileHandle | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-chunks-'));
  });
  afterEach(async () => {
    await handle?.close();
    await rm(folder, { recursive: true });
  });

  async function openFile(bytes: Buffer): Promise<FileHandle> {
    const path = join(folder, 'blob');
    await writeFile(path, bytes);
    handle = await open(path, 'r');
    return handle;
  }

  it.each([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 5 * CHUNK_BYTES + 7])(
    'gives %d bytes in order, each chunk good until the next, and closes the file',
    async (size) => {
      const bytes = randomBytes(size);
      const file = await openFile(bytes);
      const parts: Buffer[] = [];
      for await (const chunk of readChunks(file, size, undefined)) {
        expect(chunk.length).toBeLessThanOrEqual(CHUNK_BYTES);
        // The next read is under way and may end at any time: it must not write here.
        await file.stat();
        parts.push(Buffer.from(chunk));
      }
      expect(Buffer.concat(parts).equals(bytes)).toBe(true);
      expect(file.fd).toBe(-1);
    },
  );

  it('closes the file when it is left early, while the next chunk is being read', async () => {
    const file = await openFile(randomBytes(4 * CHUNK_BYTES));
    for await (const chunk of readChunks(file, 4 * CHUNK_BYTES, undefined)) {
      expect(chunk).toHaveLength(CHUNK_BYTES);
      break;
    }
    expect(file.fd).toBe(-1);
  });

  it('says GONE when the file is shorter than it was, and closes it', async () => {
    const file = await openFile(randomBytes(CHUNK_BYTES + 5));
    const chunks = readChunks(file, CHUNK_BYTES + 6, undefined);
    const readAll = async (): Promise<void> => {
      for await (const chunk of chunks) expect(chunk.length).toBeGreaterThan(0);
    };
    await expect(readAll()).rejects.toMatchObject({ code: 'GONE' });
    expect(file.fd).toBe(-1);
  });

  it('stops between two chunks once aborted', async () => {
    const file = await openFile(randomBytes(3 * CHUNK_BYTES));
    const stop = new AbortController();
    const chunks = readChunks(file, 3 * CHUNK_BYTES, stop.signal);
    expect((await chunks.next()).done).toBe(false);
    stop.abort(new Error('left'));
    await expect(chunks.next()).rejects.toThrow('left');
    expect(file.fd).toBe(-1);
  });
});
