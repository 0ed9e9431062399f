export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

const text = (bytes: Buffer, start: number, end: number): string => bytes.toString('latin1', start, end);

function pngSize(bytes: Buffer): ImageSize | undefined {
  if (bytes.length < 33 || text(bytes, 12, 16) !== 'IHDR') return undefined;
  if (!bytes.includes('IEND', Math.max(0, bytes.length - 4096), 'latin1')) return undefined;
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

function jpegSize(bytes: Buffer): ImageSize | undefined {
  if (bytes.lastIndexOf(Buffer.from([0xff, 0xd9])) === -1) return undefined;
  let at = 2;
  while (at + 9 < bytes.length && bytes[at] === 0xff) {
    const marker = bytes.readUInt8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return undefined;
}

function gifSize(bytes: Buffer): ImageSize | undefined {
  return bytes.length < 13 ? undefined : { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
}

function webpSize(bytes: Buffer): ImageSize | undefined {
  if (bytes.length < 30 || bytes.readUInt32LE(4) + 8 > bytes.length) return undefined;
  const kind = text(bytes, 12, 16);
  if (kind === 'VP8X') return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
  if (kind === 'VP8 ')
    return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
  if (kind !== 'VP8L') return undefined;
  const packed = bytes.readUInt32LE(21);
  return { width: (packed & 0x3fff) + 1, height: ((packed >>> 14) & 0x3fff) + 1 };
}

/** Size of a PNG, JPEG, GIF or WebP by its header; undefined for anything else and for files cut short. */
export function imageSize(bytes: Buffer): ImageSize | undefined {
  const size = sizeByFormat(bytes);
  return size === undefined || size.width === 0 || size.height === 0 ? undefined : size;
}

function sizeByFormat(bytes: Buffer): ImageSize | undefined {
  if (text(bytes, 0, 8) === '\x89PNG\r\n\x1a\n') return pngSize(bytes);
  if (text(bytes, 0, 3) === '\xff\xd8\xff') return jpegSize(bytes);
  if (/^GIF8[79]a$/.test(text(bytes, 0, 6))) return gifSize(bytes);
  if (text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 12) === 'WEBP') return webpSize(bytes);
  return undefined;
}
