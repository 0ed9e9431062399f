import { invalidAudio } from '../sound.js';
import { findMp3Frame, hasText, id3Bytes } from './sniff-format.js';

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Seconds that a FLAC file's first block tells (RFC 9639, section 8.2); 0: it tells none. */
export function flacSeconds(bytes: Uint8Array): number {
  const at = id3Bytes(bytes, 0) + 8;
  if (at + 18 > bytes.length) throw invalidAudio('the FLAC file ends in its header');
  const view = viewOf(bytes);
  const sampleRate = view.getUint32(at + 10) >>> 12;
  const samples = (view.getUint8(at + 13) & 15) * 2 ** 32 + view.getUint32(at + 14);
  return sampleRate === 0 ? 0 : samples / sampleRate;
}

/** Throws `INVALID_AUDIO` when the last page of an Ogg file (RFC 3533) is not all there. */
export function checkLastOggPage(bytes: Uint8Array): void {
  const last = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).lastIndexOf('OggS');
  const segments = bytes[last + 26];
  const lengths = segments === undefined ? undefined : bytes.subarray(last + 27, last + 27 + segments);
  const end =
    lengths?.length === segments
      ? last + 27 + (segments ?? 0) + (lengths?.reduce((sum, size) => sum + size, 0) ?? 0)
      : undefined;
  if (end === undefined || end > bytes.length)
    throw invalidAudio('it is cut off: its last Ogg page is not complete');
}

/** Throws `INVALID_AUDIO` when an MP3 file that tells its size (Xing's header) is shorter. */
export function checkMp3Size(bytes: Uint8Array): void {
  const frame = findMp3Frame(bytes, id3Bytes(bytes, 0));
  if (frame === undefined) return;
  // Behind the side information, whose size is up to version and channels.
  const xing = [13, 21, 36]
    .map((offset) => frame + offset)
    .find((at) => hasText(bytes, at, 'Xing') || hasText(bytes, at, 'Info'));
  if (xing === undefined || xing + 16 > bytes.length) return;
  const view = viewOf(bytes);
  const flags = view.getUint32(xing + 4);
  if ((flags & 2) === 0) return;
  const size = view.getUint32(xing + (flags & 1 ? 12 : 8));
  const present = bytes.length - frame;
  if (size > present) throw invalidAudio(`it is cut off: it has ${present} of ${size} bytes of MP3`);
}
