import sharp, { type Sharp } from 'sharp';
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
} from './image-parts.js';

/** One generated image file; the name says how it was made. */
export interface CorpusImage {
  readonly name: string;
  readonly bytes: Buffer;
}

type Mode = (picture: Sharp) => Sharp;
type Size = readonly [width: number, height: number];

const sizes: readonly Size[] = [
  [1, 1],
  [1, 9],
  [7, 3],
  [16, 16],
  [37, 21],
  [65, 2],
  [130, 90],
];

/** Each mode is given RGBA pixels. */
const modes: Readonly<Record<string, Mode>> = {
  'png rgb': (picture) => picture.removeAlpha().png(),
  'png rgba': (picture) => picture.png(),
  'png grey': (picture) => picture.removeAlpha().toColourspace('b-w').png(),
  'png grey alpha': (picture) => picture.toColourspace('b-w').png(),
  'png 16 bit': (picture) => picture.removeAlpha().toColourspace('rgb16').png(),
  'png palette': (picture) => picture.png({ palette: true, colours: 16 }),
  'png two colours': (picture) => picture.removeAlpha().png({ palette: true, colours: 2 }),
  'png interlaced': (picture) => picture.png({ progressive: true }),
  'png interlaced palette': (picture) => picture.png({ progressive: true, palette: true, colours: 4 }),
  'png stored': (picture) => picture.png({ compressionLevel: 0 }),
  jpeg: (picture) => picture.jpeg(),
  'jpeg progressive': (picture) => picture.jpeg({ progressive: true }),
  'jpeg grey': (picture) => picture.toColourspace('b-w').jpeg(),
  'jpeg grey progressive': (picture) => picture.toColourspace('b-w').jpeg({ progressive: true }),
  'jpeg cmyk': (picture) => picture.toColourspace('cmyk').jpeg(),
  'jpeg 4:4:4 best': (picture) => picture.jpeg({ chromaSubsampling: '4:4:4', quality: 100 }),
  'jpeg worst': (picture) => picture.jpeg({ quality: 1 }),
  'jpeg plain tables': (picture) => picture.jpeg({ optimiseCoding: false }),
  'webp lossy': (picture) => picture.removeAlpha().webp(),
  'webp lossy alpha': (picture) => picture.webp(),
  'webp lossless': (picture) => picture.removeAlpha().webp({ lossless: true }),
  'webp lossless alpha': (picture) => picture.webp({ lossless: true }),
  'webp near lossless': (picture) => picture.webp({ nearLossless: true, quality: 40 }),
  gif: (picture) => picture.gif(),
  'gif two colours': (picture) => picture.gif({ colours: 2 }),
  'gif interlaced': (picture) => picture.gif({ progressive: true }),
};

function draw([width, height]: Size, seed = 1): Sharp {
  const pixels = seededBytes(width * height * 4, seed);
  return sharp(pixels, { raw: { width, height, channels: 4 } });
}

const encode = (mode: string, size: Size): Promise<Buffer> => modes[mode]!(draw(size)).toBuffer();

/** A profile that decoders take for one, with padding up to the length. */
const long = (length: number): Buffer => seededBytes(length, 77);
const xmp = (length: number): string =>
  `<x:xmpmeta xmlns:x="adobe:ns:meta/">${' '.repeat(length)}</x:xmpmeta>`;

/** A JPEG of one grey row of blocks with a restart marker behind each, as Pillow writes it. */
const restartingJpeg = Buffer.from(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYXUlkkYCZlo+AjIqgtObDoKrarYqMyP/L2u71////m8H////6' +
    '/+b9//j/wAALCAAQADABAREA/8QAFwABAQEBAAAAAAAAAAAAAAAABAIAA//EACQQAAICAQIGAwEAAAAAAAAAAAECAANhBBEFEiExQYETkdGx/90ABA' +
    'AB/9oACAEBAAA/AApRif/Q4pRif//RpKMT/9JSUYn/022NTplDXOEHjfufU//U2o4r3TSpjnYfwfv1P//VtKMT/9ZaUYn/12XW0aVd7XAO3RR1J9T/' +
    '0It4rc5IoQVr4JG7fk//0Q/G1jczsWY9yTuZ/9I6UYn/2Q==',
  'base64',
);

/** Metadata segments in front of the picture, together far over 64 KiB. */
const jpegMetadata: Readonly<Record<string, (file: Buffer) => readonly Buffer[]>> = {
  'profile in 3 segments': () =>
    [1, 2, 3].map((part) =>
      jpegSegment(
        0xe2,
        Buffer.concat([Buffer.from(`ICC_PROFILE\0${String.fromCharCode(part, 3)}`), long(40_000)]),
      ),
    ),
  xmp: () => [jpegSegment(0xe1, Buffer.from(`http://ns.adobe.com/xap/1.0/\0${xmp(65_000)}`))],
  'four comments': () => Array.from({ length: 4 }, () => jpegSegment(0xfe, Buffer.alloc(65_533, 0xff))),
  'exif with thumbnail': (file) => [
    jpegSegment(0xe1, Buffer.concat([exifContent('MM', 3, 8), file.subarray(0, 60_000)])),
  ],
  'thumbnail, then exif': (file) => [
    jpegSegment(0xe0, Buffer.concat([Buffer.from('JFXX\0\x10', 'latin1'), file.subarray(0, 60_000)])),
    jpegSegment(0xe1, exifContent('II', 3, 5)),
  ],
  'fill bytes': () => [Buffer.alloc(4_000, 0xff)],
};

const pngMetadata: Readonly<Record<string, () => readonly Buffer[]>> = {
  text: () => [pngChunk('tEXt', Buffer.concat([Buffer.from('Comment\0'), Buffer.alloc(100_000, 0x61)]))],
  'exif behind text': () => [
    pngChunk('tEXt', Buffer.concat([Buffer.from('Comment\0'), Buffer.alloc(70_000, 0x61)])),
    pngChunk('eXIf', tiffOrientation('MM', 3, 7)),
  ],
  'broken text checksum': () => {
    const text = pngChunk('tEXt', Buffer.from('Comment\0hello'));
    text.writeUInt32BE(1, text.length - 4);
    return [text];
  },
};

function* plain(): Generator<Promise<CorpusImage>> {
  for (const [name, mode] of Object.entries(modes)) {
    for (const size of sizes) {
      yield mode(draw(size))
        .toBuffer()
        .then((bytes) => ({ name: `${name} ${size.join('×')}`, bytes }));
    }
  }
}

function* oriented(): Generator<Promise<CorpusImage>> {
  for (const mode of [
    'jpeg',
    'jpeg progressive',
    'jpeg cmyk',
    'png rgb',
    'png palette',
    'webp lossy',
    'webp lossless',
  ]) {
    for (let orientation = 1; orientation <= 8; orientation++) {
      const picture = draw([37, 21]).withMetadata({ orientation });
      yield modes[mode]!(picture)
        .toBuffer()
        .then((bytes) => ({ name: `${mode} turned ${orientation}`, bytes }));
    }
  }
}

function* animated(): Generator<Promise<CorpusImage>> {
  for (const [width, height] of [
    [5, 4],
    [24, 18],
  ] as const) {
    for (const frames of [2, 3, 9]) {
      const join = async (encodeAs: Mode): Promise<Buffer> => {
        const pictures = Array.from({ length: frames }, (_, seed) =>
          draw([width, height], seed + 1)
            .png()
            .toBuffer(),
        );
        return encodeAs(sharp(await Promise.all(pictures), { join: { animated: true } })).toBuffer();
      };
      const named = (name: string, mode: Mode): Promise<CorpusImage> =>
        join(mode).then((bytes) => ({ name: `${name} ${width}×${height} of ${frames} frames`, bytes }));
      yield named('gif', (picture) => picture.gif());
      yield named('gif without reuse', (picture) => picture.gif({ reuse: false, interFrameMaxError: 0 }));
      yield named('webp', (picture) => picture.webp());
      yield named('webp lossless', (picture) => picture.webp({ lossless: true }));
    }
  }
}

async function withMetadata(): Promise<CorpusImage[]> {
  const found: CorpusImage[] = [{ name: 'jpeg with restart markers', bytes: restartingJpeg }];
  for (const size of [
    [16, 16],
    [130, 90],
  ] as const) {
    for (const mode of ['jpeg', 'jpeg progressive', 'jpeg grey']) {
      const file = await encode(mode, size);
      for (const [kind, make] of Object.entries(jpegMetadata)) {
        found.push({
          name: `${mode} ${size.join('×')} behind ${kind}`,
          bytes: insertAt(file, 2, ...make(file)),
        });
      }
    }
    for (const mode of ['png rgb', 'png interlaced palette', 'png 16 bit']) {
      const file = await encode(mode, size);
      for (const [kind, make] of Object.entries(pngMetadata)) {
        found.push({
          name: `${mode} ${size.join('×')} behind ${kind}`,
          bytes: insertAt(file, 33, ...make()),
        });
      }
    }
    for (const mode of ['gif', 'gif interlaced']) {
      const file = await encode(mode, size);
      const comment = gifExtension(0xfe, long(70_001));
      found.push({
        name: `${mode} ${size.join('×')} behind a comment`,
        bytes: insertAt(file, gifBlocksAt(file), comment),
      });
      found.push({
        name: `${mode} ${size.join('×')} before a comment`,
        bytes: insertAt(file, file.length - 1, comment),
      });
    }
    for (const mode of ['webp lossy', 'webp lossless alpha']) {
      const extended = await modes[mode]!(draw(size).withXmp(xmp(70_001))).toBuffer();
      found.push({ name: `${mode} ${size.join('×')} with xmp`, bytes: extended });
      found.push({
        name: `${mode} ${size.join('×')} with odd chunks`,
        bytes: appendWebpChunk(extended, 'ABCD', long(70_003)),
      });
    }
  }
  return found;
}

/** Generates the corpus: formats × modes × sizes × metadata. The same files in every run of the same sharp. */
export async function buildImageCorpus(): Promise<readonly CorpusImage[]> {
  const files = await Promise.all([...plain(), ...oriented(), ...animated()]);
  return [...files, ...(await withMetadata())];
}
