import { FoveaError } from '@fovea/errors';
import { beforeAll, describe, expect, it } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import { createImageInspector, type ImageFacts } from './image-inspector.js';
import {
  appendWebpChunk,
  exifContent,
  gifBlocksAt,
  gifExtension,
  insertAt,
  jpegSegment,
  pngChunk,
  seededBytes,
  tiffOrientation,
} from './testing/image-parts.js';

const path = 'messages[0].content[1].image_url.url';
const width = 37;
const height = 21;

function picture(seed = 1): Sharp {
  return sharp(seededBytes(width * height * 3, seed), { raw: { width, height, channels: 3 } });
}

function inspect(bytes: Uint8Array): ImageFacts {
  const inspector = createImageInspector({ maxSidePx: 4000 }, path);
  inspector.push(bytes);
  return inspector.end();
}

/** Pushes byte by byte; tells what was thrown and after how many bytes, or undefined. */
function refusal(bytes: Uint8Array): { code: string; after: number } | undefined {
  const inspector = createImageInspector({ maxSidePx: 4000 }, path);
  for (const [at, byte] of bytes.entries()) {
    try {
      inspector.push(Uint8Array.of(byte));
    } catch (error) {
      if (FoveaError.isInstance(error)) return { code: error.code, after: at + 1 };
      throw error;
    }
  }
  return undefined;
}

function changed(file: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(file);
  change(copy);
  return copy;
}

/** A number as it stands in a file, big-endian unless told. */
function uint(value: number, bytes: number, isLittleEndian = false): Buffer {
  const buffer = Buffer.alloc(bytes);
  if (isLittleEndian) buffer.writeUIntLE(value, 0, bytes);
  else buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

const text = (characters: string): Buffer => Buffer.from(characters, 'latin1');

function pngHeader(width: number, height: number): Buffer {
  const content = Buffer.concat([uint(width, 4), uint(height, 4), Buffer.from([8, 2, 0, 0, 0])]);
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), pngChunk('IHDR', content)]);
}

/** A JPEG up to its frame header, with these segments before it. */
function jpegHeader(width: number, height: number, ...segments: readonly Buffer[]): Buffer {
  const frame = Buffer.concat([
    Buffer.from([8]),
    uint(height, 2),
    uint(width, 2),
    Buffer.from([1, 1, 0x11, 0]),
  ]);
  return Buffer.concat([Buffer.from('ffd8', 'hex'), ...segments, jpegSegment(0xc0, frame)]);
}

function webpHeader(name: string, content: Buffer): Buffer {
  return appendWebpChunk(text('RIFF\0\0\0\0WEBP'), name, content);
}

const lossyWebp = (width: number, height: number): Buffer =>
  webpHeader(
    'VP8 ',
    Buffer.concat([Buffer.from('1002009d012a', 'hex'), uint(width, 2, true), uint(height, 2, true)]),
  );
const losslessWebp = (width: number, height: number): Buffer =>
  webpHeader('VP8L', Buffer.concat([Buffer.from([0x2f]), uint((width - 1) | ((height - 1) << 14), 4, true)]));
const extendedWebp = (width: number, height: number, flags = 0): Buffer =>
  webpHeader(
    'VP8X',
    Buffer.concat([uint(flags, 4, true), uint(width - 1, 3, true), uint(height - 1, 3, true)]),
  );
const animationFrame = (x: number, y: number, width: number, height: number): Buffer =>
  Buffer.concat([
    ...[x / 2, y / 2, width - 1, height - 1].map((value) => uint(value, 3, true)),
    uint(0, 4),
    losslessWebp(width, height).subarray(12),
  ]);

const gifScreen = (width: number, height: number): Buffer =>
  Buffer.concat([text('GIF89a'), uint(width, 2, true), uint(height, 2, true), Buffer.alloc(3)]);
const gifFrame = (x: number, y: number, width: number, height: number): Buffer =>
  Buffer.concat([
    text(','),
    ...[x, y, width, height].map((value) => uint(value, 2, true)),
    Buffer.from([0, 2, 1, 0, 0]),
  ]);

let png: Buffer;
let palettePng: Buffer;
let jpeg: Buffer;
let webp: Buffer;
let extended: Buffer;
let gif: Buffer;
beforeAll(async () => {
  png = await picture().png().toBuffer();
  palettePng = await picture().png({ palette: true, colours: 4 }).toBuffer();
  jpeg = await picture().jpeg().toBuffer();
  webp = await picture().webp().toBuffer();
  extended = await picture().withIccProfile('p3').webp().toBuffer();
  gif = await picture().gif().toBuffer();
});

const beforePixels = (...chunks: readonly Buffer[]): Buffer =>
  insertAt(png, png.indexOf('IDAT') - 4, ...chunks);
const beforeEnd = (file: Buffer, tail: number, ...parts: readonly Buffer[]): Buffer =>
  insertAt(file, file.length - tail, ...parts);
const frameAt = (): number => jpeg.indexOf(Buffer.from('ffc0', 'hex'));
const scanAt = (): number => jpeg.indexOf(Buffer.from('ffda', 'hex'));
const frameHeader = (): Buffer => jpeg.subarray(frameAt(), frameAt() + 2 + jpeg.readUInt16BE(frameAt() + 2));

describe('createImageInspector', () => {
  it.each([
    ['text', text('hello, this is no image'), 1],
    ['SVG', text('<svg xmlns="http://www.w3.org/2000/svg"/>'), 1],
    ['TIFF', text('II*\0rest'), 1],
    ['a PNG signature that went through a text filter', text('\x89PNG\n\x1a\n'), 5],
    ['a JPEG start without a marker', Buffer.from('ffd800', 'hex'), 3],
    ['a GIF of an unknown version', text('GIF90a'), 4],
    ['a sound file', text('RIFF\x10\0\0\0WAVEfmt '), 10],
  ])('refuses %s at the first byte that no image has', (_name, bytes, after) => {
    expect(refusal(bytes)).toEqual({ code: 'INVALID_IMAGE', after });
  });

  const metadata = Array.from({ length: 4 }, () => jpegSegment(0xe2, Buffer.alloc(60_000, 0xff)));
  const extension = gifExtension(0xfe, Buffer.alloc(1_000, 0x2c));
  it.each([
    ['PNG', pngHeader(4001, 10), 33],
    ['PNG, height', pngHeader(10, 4001), 33],
    ['JPEG', jpegHeader(4001, 10), 11],
    ['JPEG, height', jpegHeader(10, 4001), 11],
    ['JPEG behind 240 KB of metadata', jpegHeader(4001, 10, ...metadata), 240_027],
    ['WebP, lossy', lossyWebp(4001, 10), 30],
    ['WebP, lossless', losslessWebp(10, 4001), 25],
    ['WebP, extended', extendedWebp(4001, 10), 30],
    ['GIF', gifScreen(4001, 10), 10],
    [
      'GIF whose first frame leaves its screen',
      Buffer.concat([gifScreen(5, 5), gifFrame(3999, 0, 2, 2)]),
      23,
    ],
    [
      'GIF, the same behind an extension',
      Buffer.concat([gifScreen(5, 5), extension, gifFrame(0, 1, 1, 4000)]),
      23 + extension.length,
    ],
  ])('refuses a side of 4001 pixels as soon as its last byte is there: %s', (_name, bytes, after) => {
    expect(refusal(Buffer.concat([bytes, Buffer.alloc(50)]))).toEqual({ code: 'IMAGE_TOO_LARGE', after });
    expect(refusal(bytes.subarray(0, after - 1))).toBeUndefined();
  });

  it('names field and limit', () => {
    const limit = { name: 'max_image_side_px', value: 4000, actual: 4001 };
    const tooLarge = expect.objectContaining({ code: 'IMAGE_TOO_LARGE', param: path, limit });
    expect(() => inspect(pngHeader(4001, 10))).toThrow(tooLarge);
    for (const bytes of [text('hello'), pngHeader(10, 10), Buffer.alloc(0), jpegHeader(0, 1)]) {
      expect(() => inspect(bytes)).toThrow(expect.objectContaining({ code: 'INVALID_IMAGE', param: path }));
    }
  });

  it('tells what of the pixels is not plain, and nothing of plain ones', async () => {
    const traitsOf = (bytes: Uint8Array): Partial<ImageFacts> => {
      const { hasAlpha, bitDepth, colourModel } = inspect(bytes);
      return { hasAlpha, bitDepth, colourModel } as Partial<ImageFacts>;
    };
    const clear = picture().ensureAlpha(0.5);
    const cmyk = picture().toColourspace('cmyk');
    const transparency = pngChunk('tRNS', Buffer.alloc(6));
    for (const plain of [png, palettePng, jpeg, webp, extended, gif]) expect(traitsOf(plain)).toEqual({});
    expect(traitsOf(await clear.clone().png().toBuffer())).toEqual({ hasAlpha: true });
    expect(traitsOf(insertAt(png, 33, transparency))).toEqual({ hasAlpha: true });
    expect(traitsOf(insertAt(png, png.length - 12, transparency))).toEqual({});
    expect(traitsOf(await clear.clone().webp().toBuffer())).toEqual({ hasAlpha: true });
    expect(traitsOf(await clear.clone().webp({ lossless: true }).toBuffer())).toEqual({ hasAlpha: true });
    expect(traitsOf(await picture().toColourspace('rgb16').png().toBuffer())).toEqual({ bitDepth: 16 });
    expect(traitsOf(await cmyk.jpeg().toBuffer())).toEqual({ colourModel: 'cmyk' });
    const twelveBits = changed(jpeg, (file) => file.writeUInt8(12, file.indexOf('ffc00011', 'hex') + 4));
    expect(traitsOf(twelveBits)).toEqual({ bitDepth: 12 });
  });

  it('may be asked for the facts again', () => {
    const inspector = createImageInspector({ maxSidePx: 4000 }, path);
    inspector.push(png);
    expect(inspector.end()).toEqual(inspector.end());
    inspector.push(Buffer.alloc(10));
    expect(inspector.end().byteSize).toBe(png.length + 10);
  });

  it('keeps no piece: one buffer can bring a whole file', () => {
    const exif = jpegSegment(0xe1, exifContent('MM', 3, 6));
    for (const file of [insertAt(jpeg, 2, exif), png, palettePng, webp, extended, gif]) {
      for (const length of [1, 2, 3, 7, 64]) {
        const inspector = createImageInspector({ maxSidePx: 4000 }, path);
        const recycled = Buffer.alloc(length);
        for (let at = 0; at < file.length; at += length) {
          inspector.push(recycled.subarray(0, file.copy(recycled, 0, at, at + length)));
          recycled.fill(0xff);
        }
        expect(inspector.end()).toEqual(inspect(file));
      }
    }
  });

  it('counts the pictures of an animated PNG, if the animation is announced before the pixels', () => {
    const control = (frames: number): Buffer =>
      pngChunk('acTL', Buffer.concat([uint(frames, 4), uint(0, 4)]));
    const frame = pngChunk('fcTL', Buffer.alloc(26));
    const later = pngChunk('fdAT', Buffer.alloc(40));
    const animated = beforeEnd(beforePixels(control(3), frame), 12, frame, later, frame, later);
    expect(inspect(animated).frames).toBe(3);
    expect(inspect(beforeEnd(beforePixels(control(2)), 12, frame, later, frame, later)).frames).toBe(2);
    expect(inspect(beforePixels(control(1))).frames).toBe(1);
    expect(inspect(beforeEnd(png, 12, control(2), frame, later, frame, later)).frames).toBe(1);
  });

  it('reports what the first frame of a GIF grows the picture to, and cuts later ones', () => {
    const frames = [gifFrame(0, 0, 8, 3), gifFrame(0, 0, 4, 9), gifFrame(0, 0, 60_000, 60_000)];
    const facts = { mediaType: 'image/gif', frames: 3, width: 8, height: 5 };
    expect(inspect(Buffer.concat([gifScreen(5, 5), ...frames, text(';')]))).toMatchObject(facts);
    expect(inspect(Buffer.concat([gifScreen(0, 0), ...frames, text(';')]))).toMatchObject({
      ...facts,
      height: 3,
    });
  });
});

describe('createImageInspector, on orientation', () => {
  const turned = (byteOrder: 'II' | 'MM', value: number): Buffer => tiffOrientation(byteOrder, 3, value);
  const withFlag = (file: Buffer): Buffer =>
    changed(file, (copy) => copy.writeUInt8(copy.readUInt8(20) | 8, 20));
  const app1 = (content: Buffer): Buffer => jpegSegment(0xe1, content);
  const nameless = changed(exifContent('II', 3, 6), (copy) => copy.write('Exix'));
  const without = changed(exifContent('II', 3, 6), (copy) => copy.writeUInt16LE(0x010f, 16));

  /** Files, and the orientation that the decoder must read, too; undefined for none. */
  const files: Record<string, [make: () => Buffer, orientation: number | undefined]> = {
    'a JPEG': [() => insertAt(jpeg, 2, app1(exifContent('II', 3, 6))), 6],
    'a JPEG, big-endian and long': [() => insertAt(jpeg, 2, app1(exifContent('MM', 4, 8))), 8],
    'a JPEG behind its frame header': [() => insertAt(jpeg, scanAt(), app1(exifContent('II', 3, 6))), 6],
    'a JPEG behind its pixels': [() => beforeEnd(jpeg, 2, app1(exifContent('II', 3, 6))), undefined],
    'a JPEG with two': [
      () => insertAt(jpeg, 2, app1(exifContent('II', 3, 3)), app1(exifContent('II', 3, 6))),
      3,
    ],
    'a JPEG whose first EXIF has none': [
      () => insertAt(jpeg, 2, app1(without), app1(exifContent('II', 3, 6))),
      undefined,
    ],
    'a JPEG whose first APP1 is no EXIF': [
      () => insertAt(jpeg, 2, app1(nameless), app1(Buffer.alloc(0)), app1(exifContent('II', 3, 6))),
      6,
    ],
    'a PNG': [() => beforePixels(pngChunk('eXIf', turned('MM', 5))), 5],
    'a PNG with two': [
      () => beforePixels(pngChunk('eXIf', turned('II', 6)), pngChunk('eXIf', turned('II', 8))),
      6,
    ],
    'a PNG behind its pixels': [() => beforeEnd(png, 12, pngChunk('eXIf', turned('II', 6))), undefined],
    'a WebP': [() => withFlag(appendWebpChunk(extended, 'EXIF', turned('MM', 7))), 7],
    'a WebP with the name in front': [
      () => withFlag(appendWebpChunk(extended, 'EXIF', exifContent('II', 3, 2))),
      2,
    ],
    'a WebP with two': [
      () =>
        withFlag(
          appendWebpChunk(appendWebpChunk(extended, 'EXIF', turned('II', 6)), 'EXIF', turned('II', 8)),
        ),
      6,
    ],
    'a WebP that does not announce it': [() => appendWebpChunk(extended, 'EXIF', turned('II', 6)), undefined],
    'a WebP without an extended header': [() => appendWebpChunk(webp, 'EXIF', turned('II', 6)), undefined],
  };

  it.each(Object.entries(files))('agrees with the decoder about %s', async (_name, [make, orientation]) => {
    const file = make();
    expect(inspect(file).orientation).toBe(orientation);
    expect((await sharp(file).metadata()).orientation).toBe(orientation);
  });

  it('takes an image with broken EXIF for upright', () => {
    const broken = [
      exifContent('II', 3, 9),
      exifContent('II', 2, 6),
      changed(exifContent('II', 3, 6), (copy) => copy.writeUInt32LE(1_000_000, 10)),
      changed(exifContent('II', 3, 6), (copy) => copy.writeUInt32LE(4, 10)),
      changed(without, (copy) => copy.writeUInt16LE(65_535, 14)),
      ...Array.from({ length: 24 }, (_, length) => exifContent('MM', 3, 6).subarray(0, length)),
    ];
    for (const content of broken) {
      expect(inspect(insertAt(jpeg, 2, app1(content))).orientation).toBeUndefined();
      expect(inspect(beforePixels(pngChunk('eXIf', content))).orientation).toBeUndefined();
    }
  });
});

describe('createImageInspector, on odd files', () => {
  const endless = (): Buffer => changed(webp, (copy) => copy.writeUInt32LE(copy.length - 7, 4));

  /** What decoders let pass, and so must we. */
  const tolerated: Record<string, () => Buffer> = {
    'JPEG with stray bytes before its frame header': () =>
      insertAt(jpeg, frameAt(), Buffer.from('0001ff0002', 'hex')),
    'JPEG with stray bytes before its end': () => beforeEnd(jpeg, 2, Buffer.alloc(9)),
    'JPEG with fill bytes everywhere': () =>
      beforeEnd(insertAt(jpeg, frameAt(), Buffer.alloc(5, 0xff)), 2, Buffer.alloc(5, 0xff)),
    'JPEG with a restart marker before its frame': () =>
      insertAt(jpeg, frameAt(), Buffer.from('ffd3', 'hex')),
    'JPEG with a comment behind its pixels': () =>
      beforeEnd(jpeg, 2, jpegSegment(0xfe, text('\xff\xd8 hi \xff\xd9'))),
    'JPEG with a line count behind its pixels': () => beforeEnd(jpeg, 2, jpegSegment(0xdc, uint(height, 2))),
    'JPEG followed by another one': () => Buffer.concat([jpeg, jpeg]),
    'PNG whose text has a wrong checksum': () =>
      beforePixels(changed(pngChunk('tEXt', text('a\0b')), (copy) => copy.writeUInt32BE(7, copy.length - 4))),
    'PNG with an unknown chunk': () => beforePixels(pngChunk('abCd', text('what?'))),
    'PNG whose end chunk is not empty': () =>
      Buffer.concat([png.subarray(0, -12), pngChunk('IEND', text('bye'))]),
    'GIF with a block ended twice': () => beforeEnd(gif, 1, Buffer.alloc(3)),
    'GIF with stray bytes before its trailer': () => beforeEnd(gif, 1, text('xyz')),
    'WebP with an unknown chunk': () => appendWebpChunk(extended, 'ABCD', text('what?')),
  };

  it.each(Object.entries(tolerated))('accepts what the decoder accepts: %s', async (_name, make) => {
    const file = make();
    expect(inspect(file)).toMatchObject({ width, height, frames: 1, byteSize: file.length });
    const { info } = await sharp(file, { failOn: 'error' }).raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width, height });
  });

  it('leaves the pixels to whoever decodes them: damage in there is found by the decoder', async () => {
    const file = changed(png, (copy) =>
      copy.writeUInt8(copy.readUInt8(copy.length - 13) ^ 1, copy.length - 13),
    );
    expect(inspect(file)).toMatchObject({ width, height, frames: 1 });
    await expect(sharp(file, { failOn: 'error' }).raw().toBuffer()).rejects.toThrow();
  });

  const withoutPalette = (): Buffer => {
    const at = palettePng.indexOf('PLTE') - 4;
    return Buffer.concat([
      palettePng.subarray(0, at),
      palettePng.subarray(at + 12 + palettePng.readUInt32BE(at)),
    ]);
  };

  /** What decoders refuse. */
  const refused: Record<string, () => Buffer> = {
    'JPEG without lines, counted later': () =>
      changed(beforeEnd(jpeg, 2, jpegSegment(0xdc, uint(height, 2))), (copy) =>
        copy.writeUInt16BE(0, frameAt() + 5),
      ),
    'JPEG without columns': () => changed(jpeg, (copy) => copy.writeUInt16BE(0, frameAt() + 7)),
    'JPEG with two frame headers': () => insertAt(jpeg, frameAt(), frameHeader()),
    'JPEG without a frame header': () =>
      Buffer.concat([jpeg.subarray(0, frameAt()), jpeg.subarray(scanAt())]),
    'JPEG without a scan': () => Buffer.concat([jpeg.subarray(0, scanAt()), Buffer.from('ffd9', 'hex')]),
    'JPEG that starts twice': () => insertAt(jpeg, frameAt(), Buffer.from('ffd8', 'hex')),
    'JPEG with a hierarchical header': () => insertAt(jpeg, frameAt(), jpegSegment(0xde, Buffer.alloc(2))),
    'JPEG with a reserved marker': () => insertAt(jpeg, frameAt(), jpegSegment(0x02, Buffer.alloc(2))),
    'JPEG without its end': () => jpeg.subarray(0, -2),
    'JPEG with half of its end': () => jpeg.subarray(0, -1),
    'PNG without columns': () => Buffer.concat([pngHeader(0, 21), png.subarray(33)]),
    'PNG of 2³² − 1 lines': () => Buffer.concat([pngHeader(37, 0xffffffff), png.subarray(33)]),
    'PNG with two headers': () => insertAt(png, 33, png.subarray(8, 33)),
    'PNG with a wrong checksum of its header': () =>
      changed(png, (copy) => copy.writeUInt8(copy.readUInt8(30) ^ 1, 30)),
    'PNG with bytes that are no chunk': () =>
      beforePixels(Buffer.from('00000003' + '61316263' + '0000000000000000', 'hex')),
    'PNG without pixels': () => Buffer.concat([png.subarray(0, 33), png.subarray(-12)]),
    'PNG without its palette': withoutPalette,
    'GIF without a frame': () => Buffer.concat([gifScreen(5, 5), text(';')]),
    'GIF with stray bytes before its first frame': () => insertAt(gif, gifBlocksAt(gif), Buffer.alloc(1)),
    'GIF cut in its frame': () => gif.subarray(0, -2),
    'WebP that is shorter than its header tells': () => webp.subarray(0, -1),
    'WebP that claims one byte more': endless,
    'WebP that claims one byte more and has it': () => Buffer.concat([endless(), Buffer.alloc(1)]),
    'WebP that claims less than its chunk has': () =>
      changed(webp, (copy) => copy.writeUInt32LE(copy.length - 10, 4)),
    'WebP that claims nothing': () => changed(webp, (copy) => copy.writeUInt32LE(0, 4)),
    'WebP without start code': () => changed(webp, (copy) => copy.writeUInt8(0, 23)),
    'WebP without columns': () => changed(webp, (copy) => copy.writeUInt16LE(0, 26)),
    'WebP whose header lies about the width': () => changed(extended, (copy) => copy.writeUInt8(9, 24)),
    'WebP whose extended header is too long': () =>
      Buffer.concat([webpHeader('VP8X', Buffer.alloc(12)), losslessWebp(1, 1).subarray(12)]),
    'WebP without the last padding byte': () => {
      const cut = Buffer.from(appendWebpChunk(extended, 'ABCD', text('odd')).subarray(0, -1));
      return changed(cut, (copy) => copy.writeUInt32LE(copy.length - 8, 4));
    },
    'WebP without a picture': () => extendedWebp(37, 21),
    'WebP with a frame that leaves its canvas': () =>
      appendWebpChunk(extendedWebp(37, 21, 2), 'ANMF', animationFrame(36, 0, 2, 2)),
    'WebP with a frame of nothing': () => appendWebpChunk(extendedWebp(37, 21, 2), 'ANMF', Buffer.alloc(8)),
  };

  it.each(Object.entries(refused))('refuses what the decoder refuses: %s', async (_name, make) => {
    const file = make();
    expect(() => inspect(file)).toThrow(expect.objectContaining({ code: 'INVALID_IMAGE', param: path }));
    await expect(sharp(file, { failOn: 'error' }).raw().toBuffer()).rejects.toThrow();
  });

  /** Decoders forgive these, or some do; a file that was damaged in transit looks the same. */
  const stricter: Record<string, () => Buffer> = {
    'GIF without its trailer': () => gif.subarray(0, -1),
    'PNG without its end chunk': () => png.subarray(0, -12),
    'PNG with a wrong checksum of its end chunk': () =>
      changed(png, (copy) => copy.writeUInt8(copy.readUInt8(copy.length - 1) ^ 1, copy.length - 1)),
    'JPEG with a segment shorter than its length': () =>
      insertAt(jpeg, frameAt(), Buffer.from('ffe00001', 'hex')),
    'GIF with an empty frame on an empty screen': () =>
      Buffer.concat([gifScreen(0, 0), gifFrame(0, 0, 0, 0), text(';')]),
    'JPEG with a second frame header behind its pixels': () => beforeEnd(jpeg, 2, frameHeader()),
    'JPEG with a second start behind its pixels': () => beforeEnd(jpeg, 2, Buffer.from('ffd8', 'hex')),
    'JPEG with a reserved marker behind its pixels': () => beforeEnd(jpeg, 2, Buffer.from('ff02', 'hex')),
  };

  it.each(Object.entries(stricter))('refuses on purpose what a decoder forgives: %s', (_name, make) => {
    expect(() => inspect(make())).toThrow(expect.objectContaining({ code: 'INVALID_IMAGE' }));
  });
});
