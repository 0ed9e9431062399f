import { describe, expect, it } from '@jest/globals';
import { parseBlobStoreUrl } from './parse-blob-store-url.js';

describe('parseBlobStoreUrl', () => {
  it.each([
    ['file:///var/lib/fovea/blobs', '/var/lib/fovea/blobs'],
    ['file:///with%20blank/', '/with blank'],
    ['file:///', '/'],
  ])('takes %s', (url, root) => {
    expect(parseBlobStoreUrl(url)).toBe(root);
  });

  it.each([
    'file://host/path',
    'file:relative',
    'file://relative',
    '/path',
    's3://bucket/x',
    'file:///a?b=c',
    '',
  ])('refuses %s', (url) => {
    expect(() => parseBlobStoreUrl(url)).toThrow('file:///absolute/path');
  });
});
