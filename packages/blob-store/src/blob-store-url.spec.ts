import { describe, expect, it } from '@jest/globals';
import { parseBlobStoreUrl } from './blob-store-url.js';

describe('parseBlobStoreUrl', () => {
  it.each([
    ['file:///var/lib/fovea/blobs', '/var/lib/fovea/blobs'],
    ['file:///with%20blank/', '/with blank'],
    ['file:///', '/'],
  ])('takes the folder %s', (url, root) => {
    expect(parseBlobStoreUrl(url)).toEqual({ kind: 'file', root });
  });

  it.each([
    'file://host/path',
    'file:relative',
    'file://relative',
    '/path',
    'file:///a?b=c',
    'http://bucket/x',
    '',
  ])('refuses %s', (url) => {
    expect(() => parseBlobStoreUrl(url)).toThrow('file:///absolute/path');
  });

  it('takes a bucket of AWS, addressed by host name', () => {
    expect(parseBlobStoreUrl('s3://media.example?region=eu-central-1')).toEqual({
      kind: 's3',
      bucket: 'media.example',
      prefix: '',
      endpoint: undefined,
      region: 'eu-central-1',
      isPathStyle: false,
    });
  });

  it('takes a bucket of another server, addressed by path unless told otherwise', () => {
    const url = 's3://media/fovea/blobs/?endpoint=https://store.example:9000/';
    expect(parseBlobStoreUrl(url)).toEqual({
      kind: 's3',
      bucket: 'media',
      prefix: 'fovea/blobs/',
      endpoint: 'https://store.example:9000',
      region: 'us-east-1',
      isPathStyle: true,
    });
    expect(parseBlobStoreUrl(`${url}&path-style=false`)).toMatchObject({ isPathStyle: false });
  });

  it.each([
    ['s3://', 'bucket'],
    ['s3://Under_score/x', 'bucket'],
    ['s3://a..b/x', 'bucket'],
    ['s3://bucket:9000/x', 'bucket'],
    ['s3://bucket/x#y', 'bucket'],
    ['s3://bucket/a//b', 'prefix'],
    ['s3://bucket/a/%2e%2e%2fb', 'prefix'],
    ['s3://bucket/x?endpoint=host:9000', 'endpoint=http'],
    ['s3://bucket/x?endpoint=http://host?a=b', 'endpoint=http'],
    ['s3://bucket/x?region=eu%20west', 'region'],
    ['s3://bucket/x?path-style=yes', 'path-style'],
    ['s3://bucket/x?pathstyle=true', 'only endpoint, region, path-style'],
    ['s3://bucket/x?region=a&region=b', 'each once'],
  ])('refuses %s', (url, expected) => {
    expect(() => parseBlobStoreUrl(url)).toThrow(expected);
  });

  it.each([
    's3://key:secret@bucket/x',
    's3://bucket/x?endpoint=http://key:secret@host:9000',
    's3://bucket/x?secret=secret',
  ])('refuses keys in %s and does not repeat them', (url) => {
    expect(() => parseBlobStoreUrl(url)).toThrow(/^(?!.*key:secret)(?!.*=secret)/);
  });
});
