import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { decodeRgbImage, rotateRgbImage } from './rgb-image.js';

const maxPixels = 16_000_000;
/** 3×2 pixels: the upper left one black, all others white. */
const corner = () =>
  sharp(
    Uint8Array.from({ length: 18 }, (_, at) => (at < 3 ? 0 : 255)),
    { raw: { width: 3, height: 2, channels: 3 } },
  );

/** Where the black pixel is. */
function blackAt({ width, pixels }: { width: number; pixels: Uint8Array }): [number, number] {
  const at = pixels.indexOf(0) / 3;
  return [at % width, Math.floor(at / width)];
}

describe('decodeRgbImage', () => {
  it.each([
    ['grey', () => corner().toColourspace('b-w').png()],
    ['16 bit', () => corner().toColourspace('rgb16').png()],
    ['16-bit grey', () => corner().toColourspace('grey16').png()],
    ['palette', () => corner().png({ palette: true, colours: 2 })],
    ['lossless WebP', () => corner().webp({ lossless: true })],
    ['GIF', () => corner().gif()],
  ])('brings every kind of file to 8-bit RGB: %s', async (_name, make) => {
    const image = await decodeRgbImage(await make().toBuffer(), { maxPixels });
    expect([image.width, image.height]).toEqual([3, 2]);
    expect([...image.pixels]).toEqual([0, 0, 0, ...Array.from({ length: 15 }, () => 255)]);
  });

  it('lays transparency on white', async () => {
    const clear = sharp({ create: { width: 2, height: 1, channels: 4, background: '#00000000' } });
    const half = sharp({
      create: { width: 2, height: 1, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0.5 } },
    });
    expect([...(await decodeRgbImage(await clear.png().toBuffer(), { maxPixels })).pixels]).toEqual([
      255, 255, 255, 255, 255, 255,
    ]);
    for (const value of (await decodeRgbImage(await half.png().toBuffer(), { maxPixels })).pixels) {
      expect(Math.abs(value - 127)).toBeLessThanOrEqual(1);
    }
  });

  it('applies the EXIF orientation', async () => {
    const file = await corner().withMetadata({ orientation: 6 }).png().toBuffer();
    const image = await decodeRgbImage(file, { maxPixels });
    expect([image.width, image.height]).toEqual([2, 3]);
    expect(blackAt(image)).toEqual([1, 0]);
  });

  it('names the field of a file that is cut off or has too many pixels', async () => {
    const noise = Uint8Array.from({ length: 30_000 }, (_, at) => (at * 7919) % 251);
    const file = await sharp(noise, { raw: { width: 100, height: 100, channels: 3 } })
      .png()
      .toBuffer();
    const path = 'messages[0].content[0].image_url.url';
    const refusal = expect.objectContaining({ code: 'INVALID_IMAGE', param: path });
    await expect(decodeRgbImage(file.subarray(0, file.length / 2), { maxPixels, path })).rejects.toEqual(
      refusal,
    );
    await expect(decodeRgbImage(file, { maxPixels: 9_999, path })).rejects.toEqual(refusal);
  });
});

describe('rotateRgbImage', () => {
  it.each([
    [1, [1, 0]],
    [-1, [0, 2]],
    [2, [2, 1]],
  ] as const)('turns by %d quarters clockwise', async (turns, expected) => {
    const image = await decodeRgbImage(await corner().png().toBuffer(), { maxPixels });
    expect(blackAt(await rotateRgbImage(image, turns))).toEqual(expected);
  });
});
