import { crc32 } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { decodeIdefics3Image, type Idefics3ImageSettings, readIdefics3Grid } from './idefics3-image.js';
import { idefics3PixelMask, idefics3PixelValues } from './idefics3-pixels.js';

const oneTile: Idefics3ImageSettings = {
  longestEdge: 64,
  tileEdge: 64,
  doImageSplitting: false,
  resample: 1,
};
const tiles: Idefics3ImageSettings = { ...oneTile, longestEdge: 128, doImageSplitting: true };
const normalisation = {
  rescaleFactor: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
} as const;

/** Left half one colour, right half another. */
const halves = (width: number, height: number, left: string, right: string) =>
  sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
         <rect width="${width}" height="${height}" fill="${right}"/>
         <rect width="${width / 2}" height="${height}" fill="${left}"/></svg>`,
    ),
  );

const pixel = (pixels: Uint8Array, width: number, x: number, y: number) => [
  ...pixels.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

describe('an Idefics3 image', () => {
  it('is scaled to one tile when it is not split, whatever its aspect', async () => {
    const bytes = await halves(300, 100, '#f00', '#00f').png().toBuffer();
    const image = await decodeIdefics3Image(bytes, oneTile);
    expect(image.canvas).toHaveLength(64 * 64 * 3);
    expect(image.overview).toBeUndefined();
    expect(pixel(image.canvas, 64, 5, 32)).toEqual([255, 0, 0]);
    expect(pixel(image.canvas, 64, 60, 32)).toEqual([0, 0, 255]);
  });

  it('is cut into tiles row by row, with the whole view last', async () => {
    const bytes = await halves(200, 100, '#f00', '#00f').png().toBuffer();
    const image = await decodeIdefics3Image(bytes, tiles);
    expect(image.grid).toMatchObject({ rows: 1, columns: 2 });
    const centre = 32 * 64 + 32;
    const red = [0, 1, 2].map((tile) => idefics3PixelValues(image, tile, 64, normalisation)[centre]);
    expect(red[0]).toBeCloseTo(1, 5);
    expect(red[1]).toBeCloseTo(-1, 5);
    const whole = idefics3PixelValues(image, 2, 64, normalisation);
    expect(whole[32 * 64 + 4]).toBeCloseTo(1, 5);
    expect(whole[32 * 64 + 60]).toBeCloseTo(-1, 5);
  });

  it('is normalised per channel into planes of red, green and blue', async () => {
    const bytes = await sharp({
      create: { width: 70, height: 70, channels: 3, background: '#ff8000' },
    })
      .png()
      .toBuffer();
    const image = await decodeIdefics3Image(bytes, oneTile);
    const values = idefics3PixelValues(image, 0, 64, {
      rescaleFactor: 1 / 255,
      mean: [0.5, 0, 0.25],
      std: [0.5, 1, 0.25],
    });
    expect([values[0], values[64 * 64], values[2 * 64 * 64]]).toEqual([
      expect.closeTo(1, 5),
      expect.closeTo(128 / 255, 5),
      expect.closeTo(-1, 5),
    ]);
  });

  it('is upright by its EXIF orientation', async () => {
    const upright = await halves(200, 100, '#f00', '#00f').png().toBuffer();
    const sideways = await sharp(upright)
      .rotate(-90)
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 95 })
      .toBuffer();
    const image = await decodeIdefics3Image(sideways, tiles);
    expect(image.grid).toMatchObject({ rows: 1, columns: 2 });
    expect(pixel(image.canvas, 128, 10, 32)[0]).toBeGreaterThan(240);
    expect(pixel(image.canvas, 128, 120, 32)[2]).toBeGreaterThan(240);
  });

  it('has white where it was transparent, and three channels where it was grey', async () => {
    const clear = await sharp({
      create: { width: 9, height: 9, channels: 4, background: { r: 200, g: 0, b: 0, alpha: 0 } },
    })
      .png()
      .toBuffer();
    expect(pixel((await decodeIdefics3Image(clear, oneTile)).canvas, 64, 30, 30)).toEqual([255, 255, 255]);
    const grey = await sharp({ create: { width: 9, height: 9, channels: 3, background: '#777777' } })
      .greyscale()
      .png()
      .toBuffer();
    expect(pixel((await decodeIdefics3Image(grey, oneTile)).canvas, 64, 30, 30)).toEqual([119, 119, 119]);
    const clearGrey = await sharp(clear).toColourspace('b-w').png().toBuffer();
    expect((await decodeIdefics3Image(clearGrey, oneTile)).canvas).toHaveLength(64 * 64 * 3);
  });

  it.each(['png', 'jpeg', 'webp', 'gif'] as const)('is read from %s', async (format) => {
    const bytes = await halves(90, 90, '#0f0', '#0f0').toFormat(format).toBuffer();
    const [red, green, blue] = pixel((await decodeIdefics3Image(bytes, oneTile)).canvas, 64, 32, 32);
    expect(green).toBeGreaterThan(245);
    expect(red! + blue!).toBeLessThan(12);
  });

  it('of one pixel is scaled up', async () => {
    const bytes = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#123456' } })
      .png()
      .toBuffer();
    expect(pixel((await decodeIdefics3Image(bytes, tiles)).canvas, 128, 64, 64)).toEqual([0x12, 0x34, 0x56]);
  });

  it('has a mask of ones, one per pixel of each tile', () => {
    expect(idefics3PixelMask(2, 4)).toEqual(new Uint8Array(32).fill(1));
  });
});

describe('the cuts of an image', () => {
  it.each([
    [300, 100, 1],
    [300, 100, 6],
    [64, 64, 1],
    [1, 1000, 8],
  ])(
    'are told by the header as by the pixels: %i × %i, orientation %i',
    async (width, height, orientation) => {
      const bytes = await halves(width, height, '#f00', '#00f')
        .jpeg()
        .withMetadata({ orientation })
        .toBuffer();
      for (const settings of [oneTile, tiles]) {
        const { grid } = await decodeIdefics3Image(bytes, settings);
        expect(await readIdefics3Grid(bytes, settings)).toEqual(grid);
      }
    },
  );

  it('are told of an image that breaks off', async () => {
    const bytes = await halves(300, 100, '#f00', '#00f').png().toBuffer();
    expect(await readIdefics3Grid(bytes.subarray(0, -40), tiles)).toEqual(
      await readIdefics3Grid(bytes, tiles),
    );
  });
});

describe('what is no image', () => {
  const whole = halves(300, 300, '#f00', '#00f').png().toBuffer();

  it.each([
    ['nothing', async () => Buffer.alloc(0)],
    ['text', async () => Buffer.from('hello')],
    [
      'an SVG, which libvips could open',
      async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
    ],
    [
      'a TIFF, which libvips could open',
      async () =>
        sharp(await whole)
          .tiff()
          .toBuffer(),
    ],
    ['the begin of a PNG', async () => (await whole).subarray(0, 20)],
  ])('%s is refused with the field that held it', async (_name, make) => {
    for (const look of [decodeIdefics3Image, readIdefics3Grid]) {
      await expect(look(await make(), oneTile, 'messages[0].content[1]')).rejects.toMatchObject({
        code: 'INVALID_IMAGE',
        param: 'messages[0].content[1]',
      });
    }
  });

  it('half a PNG is found out when it is decoded', async () => {
    const half = (await whole).subarray(0, (await whole).length / 2);
    await expect(decodeIdefics3Image(half, oneTile, 'here')).rejects.toMatchObject({
      code: 'INVALID_IMAGE',
      param: 'here',
    });
  });

  it('a header that promises too many pixels is refused before decoding', async () => {
    const bytes = Buffer.from(await whole);
    bytes.writeUInt32BE(60_000, 16);
    bytes.writeUInt32BE(60_000, 20);
    bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
    for (const look of [decodeIdefics3Image, readIdefics3Grid]) {
      await expect(look(bytes, oneTile)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    }
  });
});
