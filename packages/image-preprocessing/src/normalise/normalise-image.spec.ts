import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import { createImageInspector } from '../inspect/image-inspector.js';
import { buildImageCorpus } from '../inspect/testing/image-corpus.js';
import { exifContent, insertAt, jpegSegment, pngChunk } from '../inspect/testing/image-parts.js';
import { publishedProcessor } from '../processor-config/published-processors.js';
import { normaliseImage } from './normalise-image.js';
import { planImage } from './plan-image.js';
import { type Recipe, recipeOf } from './recipe.js';

const path = 'messages[0].content[1].image_url.url';
type Rgb = readonly [red: number, green: number, blue: number];

function inspect(file: Uint8Array) {
  const inspector = createImageInspector({ maxSidePx: 4_000 }, path);
  inspector.push(file);
  return inspector.end();
}

/** The recipe that the file asks for by itself. */
function recipeFor(file: Uint8Array, ...[processor = null]: [Parameters<typeof planImage>[1]?]): Recipe {
  const plan = planImage(inspect(file), processor);
  if (plan === 'pass') throw new Error('the file passes');
  return plan;
}

const decodingOf = (mediaType: string, width: number, height: number): Recipe =>
  recipeOf({ mediaType, upright: { width, height }, encoding: 'png' });

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Buffer;
}

async function decode(file: Uint8Array | Sharp): Promise<Pixels> {
  const image = file instanceof Uint8Array ? sharp(file) : file;
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: info.channels, data };
}

const normalised = async (file: Uint8Array, processor = null): Promise<Pixels> =>
  decode(await normaliseImage(file, recipeFor(file, processor), path));

const pixelAt = ({ data, width, channels }: Pixels, x: number, y: number): number[] => [
  ...data.subarray((y * width + x) * channels, (y * width + x) * channels + channels),
];

const one = (...pixel: number[]): Sharp =>
  sharp(Buffer.from([...pixel, ...pixel, ...pixel, ...pixel]), {
    raw: { width: 2, height: 2, channels: pixel.length as 1 | 2 | 3 | 4 },
  });

/** 3×2, every pixel another colour. */
const six: readonly Rgb[] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [10, 20, 30],
  [200, 100, 50],
  [90, 160, 250],
];
const sixPixels = (): Sharp => sharp(Buffer.from(six.flat()), { raw: { width: 3, height: 2, channels: 3 } });

/** Which of the six stored pixels a viewer shows at each place, row by row. EXIF 2.32, table 6. */
const shown: Readonly<Record<number, readonly (readonly number[])[]>> = {
  1: [
    [0, 1, 2],
    [3, 4, 5],
  ],
  2: [
    [2, 1, 0],
    [5, 4, 3],
  ],
  3: [
    [5, 4, 3],
    [2, 1, 0],
  ],
  4: [
    [3, 4, 5],
    [0, 1, 2],
  ],
  5: [
    [0, 3],
    [1, 4],
    [2, 5],
  ],
  6: [
    [3, 0],
    [4, 1],
    [5, 2],
  ],
  7: [
    [5, 2],
    [4, 1],
    [3, 0],
  ],
  8: [
    [2, 5],
    [1, 4],
    [0, 3],
  ],
};

describe('normaliseImage', () => {
  it.each([2, 3, 4, 5, 6, 7, 8])('turns by EXIF orientation %i, pixel by pixel', async (orientation) => {
    const file = await sixPixels().withMetadata({ orientation }).png().toBuffer();
    const rows = shown[orientation]!;
    const result = await normaliseImage(file, recipeFor(file), path);
    const pixels = await decode(result);
    expect([pixels.width, pixels.height]).toEqual([rows[0]!.length, rows.length]);
    expect(rows.map((row, y) => row.map((_, x) => pixelAt(pixels, x, y)))).toEqual(
      rows.map((row) => row.map((index) => six[index])),
    );
    expect(planImage(inspect(result), null)).toBe('pass');
  });

  it.each([2, 3, 4, 5, 6, 7, 8])('turns a JPEG by EXIF orientation %i', async (orientation) => {
    const blocks = sharp(await sixPixels().png().toBuffer()).resize(96, 64, { kernel: 'nearest' });
    const file = await blocks
      .withMetadata({ orientation })
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer();
    const pixels = await normalised(file);
    for (const [y, row] of shown[orientation]!.entries()) {
      for (const [x, index] of row.entries()) {
        const [red = 0, green = 0, blue = 0] = pixelAt(pixels, 32 * x + 16, 32 * y + 16);
        for (const [at, value] of [red, green, blue].entries()) {
          expect(Math.abs(value - six[index]![at]!)).toBeLessThanOrEqual(4);
        }
      }
    }
  });

  it.each<readonly [string, () => Promise<Buffer>, Rgb]>([
    ['RGBA, clear', () => one(255, 0, 0, 0).png().toBuffer(), [255, 255, 255]],
    ['RGBA, opaque', () => one(12, 34, 56, 255).png().toBuffer(), [12, 34, 56]],
    ['RGBA, half clear', () => one(0, 0, 0, 51).png().toBuffer(), [204, 204, 204]],
    ['grey with alpha, clear', () => one(7, 0).toColourspace('b-w').png().toBuffer(), [255, 255, 255]],
    ['grey with alpha, half clear', () => one(0, 51).toColourspace('b-w').png().toBuffer(), [204, 204, 204]],
    [
      'a palette with a clear colour',
      () => one(9, 9, 9, 0).png({ palette: true }).toBuffer(),
      [255, 255, 255],
    ],
    ['RGB of 16 bits', () => one(12, 34, 56).toColourspace('rgb16').png().toBuffer(), [12, 34, 56]],
    [
      'RGBA of 16 bits, clear',
      () => one(0, 0, 0, 0).toColourspace('rgb16').png().toBuffer(),
      [255, 255, 255],
    ],
    ['grey of 16 bits', () => one(77).toColourspace('grey16').png().toBuffer(), [77, 77, 77]],
    ['WebP, clear', () => one(9, 9, 9, 0).webp({ lossless: true }).toBuffer(), [255, 255, 255]],
    ['GIF', () => one(255, 0, 0).gif().toBuffer(), [255, 0, 0]],
    ['GIF, clear', () => one(255, 0, 0, 0).gif().toBuffer(), [255, 255, 255]],
  ])('lays on white, brings to 8 bits and RGB: %s', async (_name, make, rgb) => {
    const pixels = await normalised(await make());
    expect(pixels.channels).toBe(3);
    expect(pixelAt(pixels, 1, 1)).toEqual(rgb);
  });

  it.each<readonly [string, number, Rgb]>([
    ['RGB', 2, [10, 20, 30]],
    ['grey', 0, [10, 10, 10]],
  ])(
    'a PNG of 16 or 8 bits whose tRNS chunk clears its only colour becomes white: %s',
    async (_name, type, rgb) => {
      const picture = type === 2 ? one(...rgb) : one(rgb[0]).toColourspace('b-w');
      const plain = await picture.png().toBuffer();
      expect(planImage(inspect(plain), null)).toBe('pass');
      const key = Buffer.alloc(type === 2 ? 6 : 2);
      for (let at = 0; 2 * at < key.length; at += 1) key.writeUInt16BE(rgb[at]!, 2 * at);
      const pixels = await normalised(insertAt(plain, 33, pngChunk('tRNS', key)));
      expect(pixelAt(pixels, 0, 0)).toEqual([255, 255, 255]);
    },
  );

  it.each(['gif', 'webp', 'png'] as const)('takes the first picture of an animation: %s', async (format) => {
    const frames = await Promise.all(
      [one(250, 0, 0), one(0, 0, 250)].map((frame) => frame.resize(16, 16).png().toBuffer()),
    );
    const animation = sharp(frames, { join: { animated: true } });
    const file =
      format === 'gif'
        ? await animation.gif().toBuffer()
        : format === 'webp'
          ? await animation.webp({ lossless: true }).toBuffer()
          : animatedPng(frames[0]!);
    expect(inspect(file).frames).toBe(2);
    const pixels = await normalised(file);
    expect([pixels.width, pixels.height]).toEqual([16, 16]);
    const [red = 0, , blue = 0] = pixelAt(pixels, 8, 8);
    expect(red).toBeGreaterThan(240);
    expect(blue).toBeLessThan(10);
  });

  it('brings CMYK to RGB', async () => {
    const file = await one(200, 30, 30)
      .resize(32, 32)
      .toColourspace('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer();
    expect(inspect(file).colourModel).toBe('cmyk');
    const pixels = await normalised(file);
    expect(pixels.channels).toBe(3);
    const [red = 0, green = 0, blue = 0] = pixelAt(pixels, 16, 16);
    expect(red).toBeGreaterThan(150);
    expect(Math.max(green, blue)).toBeLessThan(90);
  });

  it('leaves no metadata', async () => {
    const file = await one(1, 2, 3)
      .resize(64, 64)
      .withIccProfile('p3')
      .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"/>')
      .withMetadata({ orientation: 6 })
      .withExifMerge({ IFD0: { Copyright: 'somebody' }, IFD3: { GPSLatitude: '51/1 30/1 0/1' } })
      .jpeg()
      .toBuffer();
    expect(await sharp(file).metadata()).toMatchObject({ exif: expect.anything(), xmp: expect.anything() });
    const result = await normaliseImage(file, recipeFor(file), path);
    const found = await sharp(result).metadata();
    expect([found.exif, found.xmp, found.icc, found.iptc, found.orientation]).toEqual(
      Array(5).fill(undefined),
    );
    expect(result.includes('somebody')).toBe(false);
  });

  it('adds a margin in which the edge goes on, to the right and below', async () => {
    const file = await sixPixels().png().toBuffer();
    const pixels = await decode(
      await normaliseImage(file, recipeFor(file, publishedProcessor('qwen2_vl')), path),
    );
    expect([pixels.width, pixels.height]).toEqual([28, 28]);
    expect([0, 1, 2].map((x) => pixelAt(pixels, x, 1))).toEqual([six[3], six[4], six[5]]);
    expect([pixelAt(pixels, 27, 0), pixelAt(pixels, 0, 27), pixelAt(pixels, 27, 27)]).toEqual([
      six[2],
      six[3],
      six[5],
    ]);
  });

  it('adds the margin before it shrinks', async () => {
    const strip = await sharp({ create: { width: 1_000, height: 4, channels: 3, background: '#204060' } })
      .png()
      .toBuffer();
    const recipe = recipeOf({
      mediaType: 'image/png',
      upright: { width: 1_000, height: 4 },
      padded: { width: 1_000, height: 20 },
      shrunk: { width: 500, height: 10, kernel: 'cubic' },
      encoding: 'png',
    });
    const pixels = await decode(await normaliseImage(strip, recipe, path));
    expect([pixels.width, pixels.height, ...pixelAt(pixels, 499, 9)]).toEqual([500, 10, 0x20, 0x40, 0x60]);
  });

  it('shrinks to the size of the recipe, from bytes as from a file, to the same bytes each time', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'normalise-'));
    try {
      const file = await noise(1_600, 1_200).jpeg().toBuffer();
      await writeFile(join(folder, 'blob'), file);
      const recipe = recipeFor(file, publishedProcessor('llava'));
      const first = await normaliseImage(file, recipe, path);
      expect(await sharp(first).metadata()).toMatchObject({ format: 'jpeg', width: 448, height: 336 });
      expect((await normaliseImage(join(folder, 'blob'), recipe, path)).equals(first)).toBe(true);
      sharp.concurrency(3);
      expect((await normaliseImage(file, recipe, path)).equals(first)).toBe(true);
    } finally {
      sharp.concurrency(1);
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('makes of every file of the corpus what its header tells, and that passes', async () => {
    const corpus = await buildImageCorpus();
    let decoded = 0;
    for (const { name, bytes } of corpus) {
      const plan = planImage(inspect(bytes), null);
      if (plan === 'pass') continue;
      const result = inspect(await normaliseImage(bytes, plan, path));
      expect({ name, ...result }).toMatchObject({ name, width: plan.width, height: plan.height });
      expect({ name, plan: planImage(result, null) }).toEqual({ name, plan: 'pass' });
      decoded += 1;
    }
    expect(decoded).toBeGreaterThan(80);
  });

  it('takes at most 150 MB for a photograph of 16 megapixels', async () => {
    const small = await noise(400, 400).png().toBuffer();
    const file = await sharp(small).resize(4_000, 4_000, { kernel: 'nearest' }).jpeg().toBuffer();
    const recipe = recipeFor(file, publishedProcessor('llava'));
    const before = process.memoryUsage.rss();
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss());
    }, 2);
    const result = await normaliseImage(file, recipe, path).finally(() => clearInterval(watch));
    expect(await sharp(result).metadata()).toMatchObject({ width: 336, height: 336 });
    expect(peak - before).toBeLessThan(150e6);
  });
});

describe('what cannot be normalised', () => {
  const refusal = { code: 'INVALID_IMAGE', param: path };
  const whole = (): Promise<Buffer> => noise(300, 200).png().toBuffer();

  it.each<readonly [string, () => Promise<Buffer>, string]>([
    ['a PNG whose pixels end early', async () => withoutPixels(await whole()), 'image/png'],
    ['half a PNG', async () => (await whole()).subarray(0, 5_000), 'image/png'],
    ['half a JPEG', async () => (await noise(300, 200).jpeg().toBuffer()).subarray(0, 9_000), 'image/jpeg'],
    [
      'half a WebP',
      async () => (await noise(300, 200).webp({ lossless: true }).toBuffer()).subarray(0, 9_000),
      'image/webp',
    ],
    ['nothing', async () => Buffer.alloc(0), 'image/png'],
    ['text', async () => Buffer.from('hello'), 'image/png'],
    ['an SVG', async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'image/svg+xml'],
    ['a JPEG said to be a PNG', () => noise(300, 200).jpeg().toBuffer(), 'image/png'],
    ['a larger picture than its header told', () => noise(301, 200).png().toBuffer(), 'image/png'],
    ['a smaller picture than its header told', () => noise(299, 200).png().toBuffer(), 'image/png'],
    ['one that is turned, and should not be', () => turned(300, 200), 'image/jpeg'],
  ])('%s is refused with the field that held it', async (_name, make, mediaType) => {
    const file = await make();
    await expect(normaliseImage(file, decodingOf(mediaType, 300, 200), path)).rejects.toMatchObject(refusal);
    const shrinking = recipeOf({
      ...decodingOf(mediaType, 300, 200),
      shrunk: { width: 150, height: 100, kernel: 'cubic' },
    });
    await expect(normaliseImage(file, shrinking, path)).rejects.toMatchObject(refusal);
  });

  it('a PNG whose pixels go on for gigabytes costs what its header told', async () => {
    const bomb = pngOf(2_000, 2_000, 1_000_000_000);
    const started = process.cpuUsage();
    const result = await normaliseImage(bomb, decodingOf('image/png', 2_000, 2_000), path).catch(
      (error: unknown) => error,
    );
    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1e6).toBeLessThan(8);
    if (result instanceof Buffer) expect((await sharp(result).metadata()).width).toBe(2_000);
    else expect(result).toMatchObject(refusal);
  });

  it('a header that promises more pixels than the recipe knows of is refused before they are decoded', async () => {
    const bomb = pngOf(50_000, 50_000, 1_000);
    await expect(normaliseImage(bomb, decodingOf('image/png', 300, 200), path)).rejects.toMatchObject(
      refusal,
    );
  });

  it('a file that is not there is no fault of the client', async () => {
    const gone = normaliseImage('/nonexistent/blob', decodingOf('image/png', 1, 1), path);
    await expect(gone).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

/** Pixels without any pattern, as a photograph is for an encoder. */
function noise(width: number, height: number): Sharp {
  return sharp({
    create: {
      width,
      height,
      channels: 3,
      background: '#888888',
      noise: { type: 'gaussian', mean: 128, sigma: 20 },
    },
  });
}

const turned = (width: number, height: number): Promise<Buffer> =>
  noise(width, height)
    .jpeg()
    .toBuffer()
    .then((file) => insertAt(file, 2, jpegSegment(0xe1, exifContent('II', 3, 6))));

/** A whole PNG but for its pixels, of which a few rows are left. */
function withoutPixels(png: Buffer): Buffer {
  return pngOf(png.readUInt32BE(16), png.readUInt32BE(20), 1_000);
}

/** An RGB PNG that claims a size and holds so many bytes of zeros for pixels. */
function pngOf(width: number, height: number, bytes: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const pixels = deflateSync(Buffer.alloc(Math.min(bytes, 64_000_000)), { level: 1 });
  const chunks = [pngChunk('IHDR', header), pngChunk('IDAT', pixels), pngChunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ...chunks]);
}

/** Announces a second frame, which follows the first picture. */
function animatedPng(still: Buffer): Buffer {
  const control = Buffer.alloc(8);
  control.writeUInt32BE(2, 0);
  const frame = (sequence: number): Buffer => {
    const content = Buffer.alloc(26);
    content.writeUInt32BE(sequence, 0);
    still.copy(content, 4, 16, 24);
    return pngChunk('fcTL', content);
  };
  const end = still.length - 12;
  const second = pngChunk(
    'fdAT',
    Buffer.concat([Buffer.from([0, 0, 0, 2]), deflateSync(Buffer.alloc(16 * 49))]),
  );
  return insertAt(insertAt(still, end, frame(1), second), 33, pngChunk('acTL', control), frame(0));
}
