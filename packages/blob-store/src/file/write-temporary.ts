import { randomUUID } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFull } from '../storage-full.js';
import { codeOf, FILE_MODE, inFolder, type Layout, removeFile } from './layout.js';
import { StagedWriter } from './staged-writer.js';
import type { Usage } from './usage.js';

export interface WrittenFile {
  readonly path: string;
  readonly byteSize: number;
  /** See `content-digest.ts`. */
  readonly digest: Buffer;
}

/** A full disk or an exhausted quota of the file system is our STORAGE_FULL; anything else stays what it is. */
export function asStorageError(error: unknown): unknown {
  const isFull = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(codeOf(error) ?? '');
  return isFull ? diskFull(error) : error;
}

/**
 * Writes a stream to a new temporary file, hashed on the way. `makeRoom` is called
 * when the quota leaves none for the next chunk; it throws when there is none to be made. A failure leaves no file.
 */
export async function writeTemporary(
  layout: Layout,
  usage: Usage,
  bytes: AsyncIterable<Uint8Array>,
  makeRoom: (bytes: number) => Promise<void>,
): Promise<WrittenFile> {
  const path = join(layout.temp, randomUUID());
  let byteSize = 0;
  // The first bytes need not wait for the file.
  const opening = openNew(layout, path);
  const writer = new StagedWriter(opening);
  try {
    for await (const chunk of bytes) {
      if (!usage.hasRoomFor(chunk.byteLength)) {
        // Room is measured on the disk, so what is counted must be there.
        await writer.flush();
        await makeRoom(chunk.byteLength);
      }
      byteSize += chunk.byteLength;
      usage.change(chunk.byteLength);
      await writer.add(chunk);
    }
    const digest = await writer.finish();
    const handle = await opening;
    // Some file systems report a full disk only here.
    await handle.close();
    return { path, byteSize, digest };
  } catch (error) {
    usage.change(-byteSize);
    await writer.abandon();
    await opening.then((handle) => handle.close()).catch(() => {});
    await removeFile(path);
    throw error;
  }
}

async function openNew(layout: Layout, path: string): Promise<FileHandle> {
  const handle = await inFolder(layout.temp, layout.root, () => open(path, 'wx', FILE_MODE));
  try {
    await handle.chmod(FILE_MODE);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}
