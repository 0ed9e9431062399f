import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { describeBlobStore } from '../conformance.js';
import { createFileBlobStore, type FileBlobStoreOptions } from './file-blob-store.js';
import { createMarker, layoutOf } from './layout.js';
import { discard, openBlob, settle } from './trash.js';

const newRoot = (): Promise<string> => mkdtemp(join(tmpdir(), 'fovea-blobs-'));

async function filesIn(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name !== 'salt')
    .map((entry) => entry.name)
    .sort();
}

describeBlobStore('the file store', async (settings) => {
  const root = await newRoot();
  return {
    store: createFileBlobStore({ root, ...settings }),
    another: (changes) => createFileBlobStore({ root, ...settings, ...changes }),
    contents: () => filesIn(root),
    dispose: () => rm(root, { recursive: true }),
  };
});

async function* chunks(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

describe('the file store', () => {
  let root: string;
  const storeWith = (options: Partial<FileBlobStoreOptions> = {}) =>
    createFileBlobStore({ root, lingerS: 600, maxReferenceAgeS: 3_600, ...options });
  const put = (text: string, owner: string, store = storeWith()) =>
    store.put(chunks(Buffer.from(text)), { tenant: 'acme', owner, mediaType: 'image/png' });

  beforeEach(async () => {
    root = await newRoot();
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('gives files 0640 and folders 0750, whatever the umask', async () => {
    const before = process.umask(0o077);
    try {
      const ref = await put('picture', 'r1');
      const path = layoutOf(root).blob(ref.name);
      expect(((await stat(path)).mode & 0o777).toString(8)).toBe('640');
      expect(((await stat(join(root, 'blobs', ref.name.slice(0, 2)))).mode & 0o777).toString(8)).toBe('750');
      expect(path).toBe(join(root, 'blobs', ref.name.slice(0, 2), ref.name));
    } finally {
      process.umask(before);
    }
  });

  it('agrees on one salt when many processes start at once', async () => {
    const names = await Promise.all(Array.from({ length: 20 }, (_, id) => put('picture', `r${id}`)));
    expect(new Set(names.map((ref) => ref.name)).size).toBe(1);
    expect(await readFile(join(root, 'salt'))).toHaveLength(32);
  });

  it('names blobs differently in every store', async () => {
    const other = await newRoot();
    const ref = await put('picture', 'r1');
    expect((await put('picture', 'r1', storeWith({ root: other }))).name).not.toBe(ref.name);
    await rm(other, { recursive: true });
  });

  it('does not work with a damaged salt', async () => {
    await writeFile(join(root, 'salt'), 'short');
    await expect(put('picture', 'r1')).rejects.toThrow('damaged');
  });

  it('takes a fifth of the free disk by default', async () => {
    const store = storeWith({ quotaFraction: 0 });
    await expect(put('picture', 'r1', store)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    await put('picture', 'r1');
  });

  it('answers STORAGE_FULL and leaves nothing when the disk is full', async () => {
    const failing = (async function* () {
      yield Buffer.from('begun');
      throw Object.assign(new Error('write failed'), { code: 'ENOSPC' });
    })();
    const writing = storeWith().put(failing, { tenant: 'acme', owner: 'r1', mediaType: 'x' });
    await expect(writing).rejects.toMatchObject({ code: 'STORAGE_FULL', cause: { code: 'ENOSPC' } });
    expect(await filesIn(root)).toEqual([]);
  });

  it('refuses a relative folder', () => {
    expect(() => storeWith({ root: 'blobs' })).toThrow('absolute');
  });

  it('says plainly why it cannot be used', async () => {
    await expect(storeWith({ root: join(root, 'nowhere') }).check()).rejects.toThrow('does not exist');
    await writeFile(join(root, 'file'), '');
    await expect(storeWith({ root: join(root, 'file') }).check()).rejects.toThrow('is not a folder');
    if (process.getuid?.() === 0) return;
    await mkdir(join(root, 'closed'));
    await chmod(join(root, 'closed'), 0o500);
    await expect(storeWith({ root: join(root, 'closed') }).check()).rejects.toThrow('cannot be written');
  });

  describe('a removal that a put overtakes', () => {
    it('gives the blob back when the reference was taken before it looked again', async () => {
      const layout = layoutOf(root);
      const ref = await put('picture', 'r1');
      const discarded = await discard(layout, ref.name);
      expect(await filesIn(join(root, 'blobs'))).toEqual([]);
      const handle = await openBlob(layout, ref.name);
      expect(String(await handle?.readFile())).toBe('picture');
      await handle?.close();
      expect(await settle(layout, discarded!)).toBeUndefined();
      expect(String(await storeWith().read(ref))).toBe('picture');
    });

    it('leaves the new file alone when the put came after it looked', async () => {
      const layout = layoutOf(root);
      const ref = await put('picture', 'r1');
      await storeWith().release('r1', { linger: true });
      const discarded = await discard(layout, ref.name);
      await put('picture', 'r2');
      expect(await settle(layout, discarded!)).toBeUndefined();
      expect(String(await storeWith().read(ref))).toBe('picture');
      expect(await filesIn(join(root, 'trash'))).toEqual([]);
    });

    it('deletes only the file it moved itself when two removals meet', async () => {
      const layout = layoutOf(root);
      const ref = await put('picture', 'r1');
      await storeWith().release('r1', { linger: true });
      const first = await discard(layout, ref.name);
      await put('picture', 'r2');
      const second = await discard(layout, ref.name);
      expect(first?.path).not.toBe(second?.path);
      await settle(layout, first!);
      await settle(layout, second!);
      expect(String(await storeWith().read(ref))).toBe('picture');
      expect(await filesIn(join(root, 'trash'))).toEqual([]);
    });

    it('is finished by the next sweep when it died half way', async () => {
      const layout = layoutOf(root);
      const held = await put('held', 'r1');
      const free = await put('free', 'r2');
      await storeWith().release('r2', { linger: true });
      await discard(layout, held.name);
      await discard(layout, free.name);
      expect(await storeWith().sweep(Date.now())).toMatchObject({ deletedBlobs: 1, deletedBytes: 4 });
      expect(String(await storeWith().read(held))).toBe('held');
      await expect(storeWith().read(free)).rejects.toMatchObject({ code: 'GONE' });
    });
  });

  it('sweeps markers without a blob and entries without a marker, as crashes leave them', async () => {
    const layout = layoutOf(root);
    await createMarker(layout.refsOf('0'.repeat(64)), 'r1', root);
    await createMarker(layout.refsBy('r2'), '1'.repeat(64), root);
    const report = await storeWith().sweep(Date.now() + 3_700_000);
    expect(report.droppedReferences).toBe(1);
    expect(await filesIn(root)).toEqual([]);
  });
});
