import { crc32 } from 'node:zlib';
import { FoveaError } from '@fovea/errors';
import { createImageInspector } from '@fovea/image-preprocessing';
import { describe, expect, it } from '@jest/globals';
import { mediaTypeOf } from './media-type.js';
import { base64Length, tooLargeBody, tooLargeImage } from './picture-limits.js';

/** The beginning of a PNG file, as far as its size. */
function refusalOfTheApi(width: number, height: number): FoveaError {
  const file = Buffer.from(
    `89504e470d0a1a0a0000000d49484452${'00'.repeat(8)}0802000000${'00'.repeat(4)}`,
    'hex',
  );
  file.writeUInt32BE(width, 16);
  file.writeUInt32BE(height, 20);
  file.writeUInt32BE(crc32(file.subarray(12, 29)), 29);
  try {
    createImageInspector({ maxSidePx: 4000 }, 'x').push(file);
  } catch (error) {
    return FoveaError.from(error);
  }
  throw new Error('it was not refused');
}

describe('the limits of pictures', () => {
  it.each([
    [4000, 4000, false],
    [4001, 10, true],
    [10, 4001, true],
  ])('%d×%d pixels are refused: %p', (width, height, isRefused) => {
    expect(tooLargeImage({ width, height }, 4000) !== undefined).toBe(isRefused);
  });

  it('are told in the same words as by the API', () => {
    const { code, message, limit } = refusalOfTheApi(4001, 10);
    expect(tooLargeImage({ width: 4001, height: 10 }, 4000)).toEqual({ code, message, limit });
  });

  it('include that of the body', () => {
    expect(tooLargeBody(128, 128)).toBeUndefined();
    expect(tooLargeBody(129, 128)).toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      limit: { name: 'max_body_bytes', value: 128, actual: 129 },
    });
  });

  it('count a file as it travels', () => {
    for (let size = 0; size < 20; size += 1) {
      expect(base64Length(size)).toBe(Buffer.alloc(size).toString('base64').length);
    }
  });
});

describe('the format of a picture', () => {
  it.each([
    ['89504e470d0a1a0a0000', 'image/png'],
    ['ffd8ffe000104a46', 'image/jpeg'],
    ['524946460000000057454250', 'image/webp'],
    ['474946383961', 'image/gif'],
    ['0000001c66747970617669660000', undefined],
    ['ffd8', undefined],
    ['', undefined],
  ])('%s is %s', (hex, mediaType) => {
    expect(mediaTypeOf(Buffer.from(hex, 'hex'))).toBe(mediaType);
  });
});
