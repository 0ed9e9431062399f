import { crc32 } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import { exifContent, jpegSegment } from '../inspect/testing/image-parts.js';
import type { ImageHeader } from './image-header.js';
import { probeImageHeader } from './probe-image-header.js';

const width = 37;
const height = 21;

function picture(channels: 3 | 4 = 3): Sharp {
  const pixels = Uint8Array.from({ length: width * height * channels }, (_, at) => (at * 7919) % 251);
  return sharp(pixels, { raw: { width, height, channels } });
}

async function animation(): Promise<Sharp> {
  const frame = await picture().png().toBuffer();
  return sharp([frame, await picture().negate().png().toBuffer()], { join: { animated: true } });
}

const files: Record<string, () => Promise<Buffer>> = {
  'PNG, RGB': () => picture().png().toBuffer(),
  'PNG, RGBA': () => picture(4).png().toBuffer(),
  'PNG, palette': () => picture().png({ palette: true, colours: 4 }).toBuffer(),
  'PNG, grey': () => picture().toColourspace('b-w').png().toBuffer(),
  'PNG, 16 bit': () => picture().toColourspace('rgb16').png().toBuffer(),
  'PNG, interlaced': () => picture().png({ progressive: true }).toBuffer(),
  'JPEG, baseline': () => picture().jpeg().toBuffer(),
  'JPEG, progressive': () => picture().jpeg({ progressive: true }).toBuffer(),
  'JPEG, grey': () => picture().toColourspace('b-w').jpeg().toBuffer(),
  'JPEG, CMYK': () => picture().toColourspace('cmyk').jpeg().toBuffer(),
  'JPEG behind EXIF, ICC and XMP': () =>
    picture()
      .withIccProfile('p3')
      .withXmp(`<x:xmpmeta xmlns:x="adobe:ns:meta/">${' '.repeat(600)}</x:xmpmeta>`)
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer(),
  'WebP, lossy': () => picture().webp().toBuffer(),
  'WebP, lossless': () => picture().webp({ lossless: true }).toBuffer(),
  'WebP, lossy with alpha': () => picture(4).webp().toBuffer(),
  'WebP, lossless with alpha': () => picture(4).webp({ lossless: true }).toBuffer(),
  'WebP with a profile': () => picture().withIccProfile('p3').webp().toBuffer(),
  'WebP, animated': async () => (await animation()).webp().toBuffer(),
  'GIF, one frame': () => picture().gif().toBuffer(),
  'GIF, animated': async () => (await animation()).gif().toBuffer(),
};

/** A JPEG of 640×480 with these segments before its frame header. */
function jpegBehind(...segments: readonly Buffer[]): Buffer {
  const frame = Buffer.from('ffc0000b0801e0028001011100', 'hex');
  return Buffer.concat([Buffer.from('ffd8', 'hex'), ...segments, frame]);
}

function exif(byteOrder: 'II' | 'MM', type: number, value: number): Buffer {
  return jpegSegment(0xe1, exifContent(byteOrder, type, value));
}

/** The sharp of this repository is the oracle: what it says is what the worker will decode. */
async function oracle(file: Buffer): Promise<ImageHeader> {
  const found = await sharp(file).metadata();
  const header = {
    mediaType: `image/${found.format}`,
    width: found.width,
    height: found.pageHeight ?? found.height,
  };
  return (
    found.orientation === undefined ? header : { ...header, orientation: found.orientation }
  ) as ImageHeader;
}

describe('probeImageHeader', () => {
  it.each(Object.entries(files))('agrees with the decoder: %s', async (_name, make) => {
    const file = await make();
    expect(probeImageHeader(file)).toEqual(await oracle(file));
  });

  it.each(Object.entries(files))(
    'says need-more-bytes, then the header, on every prefix: %s',
    async (_name, make) => {
      const file = await make();
      const expected = await oracle(file);
      let isTold = false;
      for (let length = 0; length <= file.length; length++) {
        const reading = probeImageHeader(file.subarray(0, length));
        isTold ||= reading !== 'need-more-bytes';
        expect(reading).toEqual(isTold ? expected : 'need-more-bytes');
      }
      expect(isTold).toBe(true);
    },
  );

  it.each([1, 2, 3, 4, 5, 6, 7, 8] as const)(
    'reads EXIF orientation %d in both byte orders and types',
    (value) => {
      const expected = { mediaType: 'image/jpeg', width: 640, height: 480, orientation: value };
      expect(probeImageHeader(jpegBehind(exif('II', 3, value)))).toEqual(expected);
      expect(probeImageHeader(jpegBehind(exif('MM', 3, value)))).toEqual(expected);
      expect(probeImageHeader(jpegBehind(exif('MM', 4, value)))).toEqual(expected);
    },
  );

  it('ignores EXIF that is broken or names no real orientation', () => {
    const plain = { mediaType: 'image/jpeg', width: 640, height: 480 };
    expect(probeImageHeader(jpegBehind(exif('II', 3, 9)))).toEqual(plain);
    expect(probeImageHeader(jpegBehind(exif('II', 2, 6)))).toEqual(plain);
    for (let length = 0; length < 24; length++) {
      const cut = exif('MM', 3, 6).subarray(4, 4 + length);
      expect(probeImageHeader(jpegBehind(jpegSegment(0xe1, cut)))).toEqual(plain);
    }
  });

  it('passes over stray bytes between the segments of a JPEG, as decoders do', () => {
    const file = jpegBehind(exif('II', 3, 6), Buffer.from('0011ff0022', 'hex'));
    const expected = { mediaType: 'image/jpeg', width: 640, height: 480, orientation: 6 };
    expect(probeImageHeader(file)).toEqual(expected);
  });

  it('finds the size of a JPEG behind a megabyte of metadata and fill bytes', () => {
    const megabyte = Array.from({ length: 16 }, () => jpegSegment(0xe1, Buffer.alloc(65_533, 0xff)));
    const file = jpegBehind(...megabyte, Buffer.alloc(9, 0xff));
    expect(file.length).toBeGreaterThan(1_048_000);
    expect(probeImageHeader(file.subarray(0, 1_048_000))).toBe('need-more-bytes');
    expect(probeImageHeader(file)).toEqual({ mediaType: 'image/jpeg', width: 640, height: 480 });
  });

  it('reports what the first frame of a GIF grows the picture to', async () => {
    const file = await picture().gif().toBuffer();
    file.writeUInt16LE(1, 6);
    file.writeUInt16LE(1, 8);
    expect(probeImageHeader(file)).toEqual({ mediaType: 'image/gif', width, height });
    expect(await oracle(file)).toEqual({ mediaType: 'image/gif', width, height });
  });

  it.each([
    ['text', Buffer.from('hello, this is no image')],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['PDF', Buffer.from('%PDF-1.7')],
    ['BMP', Buffer.from('BM000000')],
    ['TIFF', Buffer.from('II*\0rest')],
    ['a RIFF file that is sound', Buffer.from('RIFF\x10\0\0\0WAVEfmt ')],
    ['a GIF of an unknown version', Buffer.from('GIF90a')],
  ])('does not know %s', (_name, file) => {
    expect(probeImageHeader(file)).toBe('unknown-format');
  });
});

describe('probeImageHeader on broken files', () => {
  const png = async (change: (file: Buffer) => void): Promise<Buffer> => changed(files['PNG, RGB'], change);
  const changed = async (make: (() => Promise<Buffer>) | undefined, change: (file: Buffer) => void) => {
    const file = await make!();
    change(file);
    return file;
  };

  const broken: Record<string, () => Promise<Buffer> | Buffer> = {
    'PNG with another first chunk': () => png((file) => file.write('CgBI', 12, 'latin1')),
    'PNG with a long IHDR': () => png((file) => file.writeUInt32BE(14, 8)),
    'PNG with a wrong checksum': () => png((file) => file.writeUInt32BE(5000, 16)),
    'JPEG with an unknown marker': () => jpegBehind(jpegSegment(0xf0, Buffer.alloc(2))),
    'PNG with an unknown filter method': () =>
      png((file) => {
        file.writeUInt8(1, 27);
        file.writeUInt32BE(crc32(file.subarray(12, 29)), 29);
      }),
    'JPEG with a segment of length 1': () => jpegBehind(Buffer.from('ffe00001', 'hex')),
    'JPEG that ends at once': () => jpegBehind(Buffer.from('ffd9', 'hex')),
    'JPEG whose scan comes first': () => jpegBehind(jpegSegment(0xda, Buffer.alloc(6))),
    'JPEG with two starts': () => jpegBehind(Buffer.from('ffd8', 'hex')),
    'JPEG with a frame header cut short': () => jpegBehind(jpegSegment(0xc0, Buffer.from('0801e0', 'hex'))),
    'JPEG without height': () => jpegBehind(jpegSegment(0xc0, Buffer.from('080000028001011100', 'hex'))),
    'WebP without a picture chunk': () => changed(files['WebP, lossy'], (file) => file.write('ICCP', 12)),
    'WebP, lossy, without start code': () => changed(files['WebP, lossy'], (file) => file.writeUInt8(0, 23)),
    'WebP, lossy, without width': () => changed(files['WebP, lossy'], (file) => file.writeUInt16LE(0, 26)),
    'WebP, lossless, without signature': () =>
      changed(files['WebP, lossless'], (file) => file.writeUInt8(0x2e, 20)),
    'WebP, extended, too short': () => changed(files['WebP, animated'], (file) => file.writeUInt32LE(9, 16)),
    'GIF without a frame': () => Buffer.from('GIF89a\x05\0\x05\0\0\0\0;', 'latin1'),
    'GIF with an empty frame': () => Buffer.from('GIF89a\0\0\0\0\0\0\0,\0\0\0\0\0\0\0\0\0', 'latin1'),
  };

  it.each(Object.entries(broken))('throws INVALID_IMAGE: %s', async (_name, make) => {
    const file = await make();
    expect(() => probeImageHeader(file)).toThrow(expect.objectContaining({ code: 'INVALID_IMAGE' }));
  });

  it('answers or throws INVALID_IMAGE, whatever byte of a file is damaged', async () => {
    for (const make of Object.values(files)) {
      const file = (await make()).subarray(0, 600);
      for (let at = 0; at < file.length; at++) {
        const damaged = Buffer.from(file);
        damaged[at]! ^= 0xff;
        try {
          probeImageHeader(damaged);
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_IMAGE' });
        }
      }
    }
  });
});
