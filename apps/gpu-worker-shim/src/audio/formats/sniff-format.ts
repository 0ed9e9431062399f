/** What a file is, by its content. */
export type AudioFormat =
  | 'wav'
  | 'flac'
  | 'mp3'
  | 'ogg-opus'
  | 'ogg-vorbis'
  | 'ogg-flac'
  | 'mp4'
  | 'adts'
  | 'webm';

/** Where the bytes at `at` are those characters. */
export function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  if (at + text.length > bytes.length) return false;
  for (let offset = 0; offset < text.length; offset += 1) {
    if (bytes[at + offset] !== text.charCodeAt(offset)) return false;
  }
  return true;
}

/** Bytes of an ID3v2 tag at `at`, header included; 0: there is none. */
export function id3Bytes(bytes: Uint8Array, at: number): number {
  if (!hasText(bytes, at, 'ID3') || at + 10 > bytes.length) return 0;
  // Seven bits of each byte.
  const size = [6, 7, 8, 9].reduce((sum, offset) => sum * 128 + (bytes[at + offset]! & 127), 0);
  const footer = bytes[at + 5]! & 16 ? 10 : 0;
  return 10 + size + footer;
}

function oggFormat(bytes: Uint8Array): AudioFormat | undefined {
  // Behind the page's header and the lengths of its segments.
  const first = 27 + (bytes[26] ?? 0);
  if (hasText(bytes, first, 'OpusHead')) return 'ogg-opus';
  if (hasText(bytes, first, '\x01vorbis')) return 'ogg-vorbis';
  return hasText(bytes, first, '\x7fFLAC') ? 'ogg-flac' : undefined;
}

/** How far behind an ID3 tag the first frame of an MP3 file may lie: encoders and editors leave zeros. */
const MP3_SEARCH_BYTES = 4096;

const bitratesV1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const bitratesV2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const sampleRates = [44_100, 48_000, 32_000];

/** Bytes of the MPEG audio layer 3 frame at `at` (ISO 11172-3, 13818-3, and "2.5"); undefined: there is none. */
function mp3FrameBytes(bytes: Uint8Array, at: number): number | undefined {
  const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3);
  if (a !== 0xff || (b & 0xe0) !== 0xe0) return undefined;
  const version = (b >> 3) & 3;
  const isLayer3 = ((b >> 1) & 3) === 1;
  const isV1 = version === 3;
  const bitrate = (isV1 ? bitratesV1 : bitratesV2)[c >> 4];
  const rate = sampleRates[(c >> 2) & 3];
  if (version === 1 || !isLayer3 || bitrate === undefined || bitrate === 0 || rate === undefined)
    return undefined;
  const halvings = isV1 ? 1 : version === 2 ? 2 : 4;
  return Math.floor(((isV1 ? 144_000 : 72_000) * bitrate) / (rate / halvings)) + ((c >> 1) & 1);
}

/** Where the first of two frames after each other (or one that ends the file) begins; undefined: nowhere near. */
export function findMp3Frame(bytes: Uint8Array, from: number): number | undefined {
  const end = Math.min(bytes.length - 4, from + MP3_SEARCH_BYTES);
  for (let at = from; at <= end; at += 1) {
    const size = mp3FrameBytes(bytes, at);
    if (size === undefined) continue;
    const next = at + size;
    if (next >= bytes.length - 4 || mp3FrameBytes(bytes, next) !== undefined) return at;
  }
  return undefined;
}

/** Bytes of the AAC frame at `at` (ADTS, ISO 13818-7); undefined: there is none. */
export function adtsFrameBytes(bytes: Uint8Array, at: number): number | undefined {
  if (at + 7 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1]! & 0xf6) !== 0xf0) return undefined;
  const size = ((bytes[at + 3]! & 3) << 11) | (bytes[at + 4]! << 3) | (bytes[at + 5]! >> 5);
  return size >= 7 ? size : undefined;
}

/** Undefined: nothing that is known. */
export function sniffFormat(bytes: Uint8Array): AudioFormat | undefined {
  if (hasText(bytes, 0, 'RIFF') && hasText(bytes, 8, 'WAVE')) return 'wav';
  if (hasText(bytes, 0, 'OggS')) return oggFormat(bytes);
  if (hasText(bytes, 0, '\x1a\x45\xdf\xa3')) return 'webm';
  if (hasText(bytes, 4, 'ftyp')) return 'mp4';
  const start = id3Bytes(bytes, 0);
  if (hasText(bytes, start, 'fLaC')) return 'flac';
  if (adtsFrameBytes(bytes, start) !== undefined) return 'adts';
  return findMp3Frame(bytes, start) === undefined ? undefined : 'mp3';
}
