import { describe, expect, it } from '@jest/globals';
import { parseContentEncoding } from './content-encoding.js';

describe('Content-Encoding', () => {
  it.each([
    [undefined, []],
    ['', []],
    ['identity', []],
    ['gzip', ['gzip']],
    ['X-GZip', ['gzip']],
    ['deflate', ['deflate']],
    ['BR', ['br']],
    ['gzip, br', ['gzip', 'br']],
    ['identity,gzip ,, identity', ['gzip']],
  ])('%j is %j', (header, expected) => {
    expect(parseContentEncoding(header)).toEqual(expected);
  });

  it.each(['zstd', 'compress', 'gzip, zstd', 'chunked', 'gzip;q=1', '__proto__'])(
    '%j is refused by name',
    (header) => {
      expect(() => parseContentEncoding(header)).toThrow(
        expect.objectContaining({
          code: 'UNSUPPORTED_MEDIA_TYPE',
          param: 'Content-Encoding',
          message: expect.stringContaining('Content-Encoding'),
        }),
      );
    },
  );

  it('is refused as a list of three, with the limit', () => {
    expect(() => parseContentEncoding('gzip, gzip, gzip')).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED_MEDIA_TYPE',
        limit: { name: 'max_content_codings', value: 2, actual: 3 },
      }),
    );
  });
});
