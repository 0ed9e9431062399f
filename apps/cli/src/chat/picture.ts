import { exitCodes, Failure } from '../failure.js';
import { readFileBounded } from '../terminal/read-file-bounded.js';

/** What base64 makes of more than this would not fit the gateway's body limit of 128 MiB. */
const MAX_PICTURE_BYTES = 96 * 1024 * 1024;

const startsWith = (bytes: Buffer, text: string, at = 0): boolean =>
  bytes.subarray(at, at + text.length).equals(Buffer.from(text, 'latin1'));

/** Media type by the file's first bytes; the name's ending says nothing. */
export function mediaTypeOf(bytes: Buffer): string | undefined {
  if (startsWith(bytes, '\x89PNG\r\n\x1a\n')) return 'image/png';
  if (startsWith(bytes, '\xff\xd8\xff')) return 'image/jpeg';
  if (startsWith(bytes, 'GIF87a') || startsWith(bytes, 'GIF89a')) return 'image/gif';
  if (startsWith(bytes, 'RIFF') && startsWith(bytes, 'WEBP', 8)) return 'image/webp';
  return undefined;
}

/** Reads a picture file into a data URL. Throws a usage `Failure` naming the file. */
export async function pictureDataUrl(name: string, cwd: string): Promise<string> {
  const bytes = await readFileBounded(name, cwd, MAX_PICTURE_BYTES);
  const mediaType = mediaTypeOf(bytes);
  if (mediaType === undefined) {
    throw new Failure(exitCodes.usage, `${name} is not a PNG, JPEG, WebP or GIF picture.`);
  }
  return `data:${mediaType};base64,${bytes.toString('base64')}`;
}
