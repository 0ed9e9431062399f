import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { createBlobStore } from './from-url.js';

const settings = { lingerS: 600, maxReferenceAgeS: 3_600 };

describe('createBlobStore', () => {
  it('opens a folder', async () => {
    const root = await mkdtemp(join(tmpdir(), 'fovea-url-'));
    const store = await createBlobStore(pathToFileURL(root).href, { ...settings, maxBytes: undefined });
    await expect(store.check()).resolves.toBeUndefined();
    await rm(root, { recursive: true });
    await expect(store.check()).rejects.toThrow('does not exist');
  });

  it('opens a bucket: what it cannot reach is named without the keys', async () => {
    const keys = { accessKeyId: 'the-key', secretAccessKey: 'the-secret', sessionToken: 'the-token' };
    const url = 's3://bucket/prefix?endpoint=http://127.0.0.1:1';
    const store = await createBlobStore(url, { ...settings, ...keys });
    const error: unknown = await store.check().catch((caught: unknown) => caught);
    expect(String(error)).toContain('http://127.0.0.1:1 cannot be reached');
    expect(String(error)).not.toContain('the-');
  });

  it('wants both keys or none', async () => {
    const half = { ...settings, accessKeyId: 'the-key' };
    await expect(createBlobStore('s3://bucket', half)).rejects.toThrow('together, or neither');
  });

  it('refuses what is no address of a store', async () => {
    await expect(createBlobStore('/var/lib/blobs', settings)).rejects.toThrow('file:///absolute/path');
  });
});
