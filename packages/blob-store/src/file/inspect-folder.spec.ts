import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { BlobStore } from '../index.js';
import { createFileBlobStore } from './file-blob-store.js';
import { inspectFolder } from './inspect-folder.js';

const limits = { lingerS: 600, maxReferenceAgeS: 600 };

describe('inspectFolder', () => {
  let root: string;
  let store: BlobStore;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'fovea-inspect-'));
    store = createFileBlobStore({ root, ...limits });
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const put = async (text: string, owner: string): Promise<void> => {
    const bytes = (async function* () {
      yield Buffer.from(text);
    })();
    await store.put(bytes, { tenant: 't', owner, mediaType: 'text/plain' });
  };
  /** Makes every file as old as if nobody had swept since yesterday. */
  const age = async (): Promise<void> => {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    const yesterday = Date.now() / 1_000 - 86_400;
    for (const entry of entries.filter((each) => each.isFile())) {
      await utimes(join(entry.parentPath, entry.name), yesterday, yesterday);
    }
  };

  it('finds nothing in a folder that was never used, and tells its disk', async () => {
    const report = await inspectFolder(root, limits);
    expect(report).toMatchObject({ blobs: 0, bytes: 0, overdueBlobs: 0, overdueReferences: 0 });
    expect(report.freeBytes).toBeGreaterThan(0);
    expect(report.diskBytes).toBeGreaterThanOrEqual(report.freeBytes);
  });

  it('counts what is stored, and calls nothing overdue that is held or lingers', async () => {
    await put('held', 'one');
    await put('lingers', 'two');
    await store.release('two', { linger: true });
    expect(await inspectFolder(root, limits)).toMatchObject({
      blobs: 2,
      bytes: 11,
      overdueBlobs: 0,
      overdueReferences: 0,
    });
  });

  it('tells references and blobs that nobody has swept, and leaves them where they are', async () => {
    await put('held', 'one');
    await put('unwanted', 'two');
    await store.release('two', { linger: true });
    await age();
    const overdue = { blobs: 2, overdueBlobs: 1, overdueBytes: 8, overdueReferences: 1 };
    expect(await inspectFolder(root, limits)).toMatchObject(overdue);
    expect(await inspectFolder(root, limits)).toMatchObject(overdue);
    await store.sweep(Date.now());
    expect(await inspectFolder(root, limits)).toMatchObject({ overdueBlobs: 0, overdueReferences: 0 });
  });
});
