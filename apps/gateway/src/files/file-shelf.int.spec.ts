import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobStore } from '@fovea/blob-store';
import { createFileBlobStore } from '@fovea/blob-store/file';
import { FoveaError } from '@fovea/errors';
import type { BlobRef } from '@fovea/schemas/jobs';
import { describeIf, type RedisServer, redisBinary, startRedisServer } from '@fovea/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { FileCatalogue, StoredFile } from './file-catalogue.js';
import { FileShelf } from './file-shelf.js';
import { createRedisFileCatalogue } from './redis-file-catalogue.js';

const MAX_REFERENCE_AGE_S = 600;
const later = (seconds: number): number => Date.now() + seconds * 1_000;

describeIf(redisBinary, 'the shelf of stored files', () => {
  let server: RedisServer;
  let catalogue: FileCatalogue;
  let root: string;
  let blobs: BlobStore;
  let shelf: FileShelf;
  let tenant: string;
  let tenants = 0;
  beforeAll(async () => {
    server = await startRedisServer();
    catalogue = createRedisFileCatalogue({ url: server.url, clientName: 'test' });
  });
  beforeEach(async () => {
    tenant = `tenant-${tenants++}`;
    root = await mkdtemp(join(tmpdir(), 'fovea-shelf-'));
    blobs = createFileBlobStore({ root, lingerS: 0, maxReferenceAgeS: MAX_REFERENCE_AGE_S });
    shelf = new FileShelf(catalogue, blobs, { maxFiles: 3, maxBytes: 100 });
  });
  afterEach(() => rm(root, { recursive: true, force: true }));
  afterAll(async () => {
    await catalogue.close();
    await server.stop();
  });

  async function add(id: string, text = 'picture', changes: Partial<StoredFile> = {}): Promise<BlobRef> {
    const source = (async function* () {
      yield Buffer.from(text);
    })();
    const blob = await blobs.put(source, { tenant, owner: id, mediaType: 'image/png' });
    const times = { createdAtMs: Date.now(), expiresAtMs: later(3_600) };
    await shelf.add(tenant, { id, blob, fileName: 'a.png', purpose: 'vision', ...times, ...changes });
    return blob;
  }
  const claim = (id: string, requestId = 'r1', of = tenant): Promise<Map<string, BlobRef>> =>
    shelf.claim([{ id, path: 'there' }], { tenant: of, requestId });
  const filesLeft = async (): Promise<number> => {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile() && entry.name !== 'salt').length;
  };
  const notFound = (param: string): unknown => expect.objectContaining({ code: 'NOT_FOUND', param });

  it('keeps a file far beyond the life of a request, and lets go of it after its own', async () => {
    const blob = await add('file-1');
    await blobs.sweep(later(3_600 - 10));
    expect(String(await blobs.read(blob))).toBe('picture');
    await blobs.sweep(later(3_600 + MAX_REFERENCE_AGE_S + 10));
    expect(await filesLeft()).toBe(0);
  });

  it('gives a picture to a request, which keeps it when the file is deleted', async () => {
    const blob = await add('file-1');
    expect(await claim('file-1')).toEqual(new Map([['there', blob]]));
    await shelf.remove(tenant, 'file-1');
    expect(String(await blobs.read(blob))).toBe('picture');
    await expect(claim('file-1', 'r2')).rejects.toEqual(notFound('there'));
    await blobs.release('r1', { linger: false });
    expect(await filesLeft()).toBe(0);
  });

  it('gives a picture that is named twice at both places', async () => {
    const blob = await add('file-1');
    const named = ['here', 'there'].map((path) => ({ id: 'file-1', path }));
    expect(await shelf.claim(named, { tenant, requestId: 'r1' })).toEqual(
      new Map([
        ['here', blob],
        ['there', blob],
      ]),
    );
  });

  it('stores the same picture once, until its last file is deleted', async () => {
    const blob = await add('file-1');
    expect(await add('file-2')).toEqual(blob);
    expect(
      (await readdir(join(root, 'blobs'), { recursive: true })).filter((path) => path.endsWith(blob.name)),
    ).toHaveLength(1);
    await shelf.remove(tenant, 'file-1');
    expect(await claim('file-2')).toEqual(new Map([['there', blob]]));
    await blobs.release('r1', { linger: false });
    await shelf.remove(tenant, 'file-2');
    expect(await filesLeft()).toBe(0);
  });

  it('answers an unknown file, an expired one and that of another tenant alike', async () => {
    await add('file-1');
    await add('file-2', 'old', { expiresAtMs: Date.now() });
    for (const [id, of] of [
      ['file-0', tenant],
      ['file-1', 'stranger'],
      ['file-2', tenant],
    ] as const) {
      await expect(claim(id, 'r1', of)).rejects.toEqual(notFound('there'));
      await expect(shelf.find(of, id)).rejects.toEqual(notFound('id'));
      await expect(shelf.remove(of, id)).rejects.toEqual(notFound('id'));
    }
    expect((await shelf.find(tenant, 'file-1')).id).toBe('file-1');
  });

  it('says NOT_FOUND for a file whose picture is gone', async () => {
    await add('file-1');
    await blobs.release('file-1', { linger: false });
    await expect(claim('file-1')).rejects.toEqual(notFound('there'));
  });

  it('lets go of expired files when their tenant comes by', async () => {
    await add('file-1', 'picture', { expiresAtMs: Date.now() });
    expect(await filesLeft()).toBeGreaterThan(0);
    expect(await shelf.list(tenant)).toEqual([]);
    expect(await filesLeft()).toBe(0);
  });

  it('refuses a file too many before its upload, and says when there is room', async () => {
    for (const id of ['file-1', 'file-2', 'file-3']) {
      await shelf.requireRoom(tenant);
      await add(id);
    }
    const refusal: unknown = await shelf.requireRoom(tenant).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 'RATE_LIMITED',
      limit: { name: 'max_files_per_tenant', value: 3 },
    });
    expect(FoveaError.from(refusal).retryAfterS).toBeGreaterThan(3_590);
    await shelf.remove(tenant, 'file-2');
    await expect(shelf.requireRoom(tenant)).resolves.toBeUndefined();
  });

  it('refuses more bytes than a tenant may have', async () => {
    await add('file-1', 'x'.repeat(60));
    await shelf.requireRoom(tenant);
    await expect(add('file-2', 'y'.repeat(41))).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      limit: { name: 'max_file_bytes_per_tenant', value: 100, actual: 101 },
    });
    await blobs.release('file-2', { linger: false });
    expect(await shelf.list(tenant)).toHaveLength(1);
    await add('file-3', 'z'.repeat(40));
    await expect(shelf.requireRoom(tenant)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  });
});
