/** Bytes per second that are assumed where the header does not tell: 128 kbit/s. */
const assumedByteRate = 16_000;

const text = (bytes: Buffer, start: number, end: number): string => bytes.toString('latin1', start, end);

function wavSeconds(bytes: Buffer): number | undefined {
  let byteRate = 0;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = bytes.readUInt32LE(at + 4);
    const name = text(bytes, at, at + 4);
    if (name === 'fmt ' && at + 20 <= bytes.length) byteRate = bytes.readUInt32LE(at + 16);
    if (name === 'data') return byteRate === 0 ? undefined : Math.min(size, bytes.length - at - 8) / byteRate;
    at += 8 + size + (size % 2);
  }
  return undefined;
}

function isKnown(bytes: Buffer): boolean {
  const start = text(bytes, 0, 4);
  if (['fLaC', 'OggS', '\x1aE\xdf\xa3'].includes(start) || start.startsWith('ID3')) return true;
  return text(bytes, 4, 8) === 'ftyp' || (bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xe0) === 0xe0);
}

/** Seconds of an audio file: exact for WAV, by size for MP3, FLAC, Ogg, MP4 and WebM; undefined for the rest. */
export function audioSeconds(bytes: Buffer): number | undefined {
  if (text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 12) === 'WAVE') return wavSeconds(bytes);
  return bytes.length > 12 && isKnown(bytes) ? bytes.length / assumedByteRate : undefined;
}
