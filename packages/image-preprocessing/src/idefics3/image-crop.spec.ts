import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { decodeIdefics3Image } from './idefics3-image.js';
import type { ImageCrop } from './image-crop.js';

const settings = { longestEdge: 32, tileEdge: 32, doImageSplitting: false, resample: 1 };

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** No two neighbouring pixels are equal. */
function mixed(width: number, height: number): Picture {
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * 37 + (at >> 5) * 11) % 256);
  return { width, height, pixels };
}

const png = ({ width, height, pixels }: Picture) =>
  sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();

function cut({ width, pixels }: Picture, left: number, top: number, size: number): Picture {
  const rows = Array.from({ length: size }, (_, row) => {
    const start = ((top + row) * width + left) * 3;
    return [...pixels.subarray(start, start + size * 3)];
  });
  return { width: size, height: size, pixels: Uint8Array.from(rows.flat()) };
}

const decode = async (bytes: Uint8Array, crop?: ImageCrop) =>
  (await decodeIdefics3Image(bytes, settings, 'image', crop && { area: crop, path: 'crop' })).canvas;

describe('a crop', () => {
  const picture = mixed(60, 40);

  it('leaves what the square holds and nothing else', async () => {
    const cropped = await decode(await png(picture), { x: 7, y: 3, size: 20 });
    expect(cropped).toEqual(await decode(await png(cut(picture, 7, 3, 20))));
    expect(cropped).not.toEqual(await decode(await png(picture)));
  });

  it.each([
    [60, 40, 10, 0],
    [40, 61, 0, 10],
    [33, 33, 0, 0],
  ])('to the centre of %i × %i is the largest square in the middle', async (width, height, left, top) => {
    const image = mixed(width, height);
    const size = Math.min(width, height);
    expect(await decode(await png(image), 'center')).toEqual(
      await decode(await png(cut(image, left, top, size))),
    );
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'is of the upright image, whose EXIF orientation is %i',
    async (orientation) => {
      const stored = await sharp(await png(picture))
        .withMetadata({ orientation })
        .png()
        .toBuffer();
      const { data, info } = await sharp(stored).autoOrient().raw().toBuffer({ resolveWithObject: true });
      const upright = { width: info.width, height: info.height, pixels: data };
      expect(await decode(stored, { x: 2, y: 11, size: 25 })).toEqual(
        await decode(await png(cut(upright, 2, 11, 25))),
      );
    },
  );

  it.each([
    { x: 41, y: 0, size: 20 },
    { x: 0, y: 21, size: 20 },
    { x: 0, y: 0, size: 41 },
  ])('outside the image is refused: %o', async (crop) => {
    await expect(decode(await png(picture), crop)).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      param: 'crop',
      message: expect.stringContaining('60 × 40'),
    });
  });
});
