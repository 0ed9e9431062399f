import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { codeOf, exitCodes, Failure } from '../failure.js';

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

async function readBounded(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Failure(exitCodes.usage, `${path} is not a file.`);
    if (stat.size > MAX_PICTURE_BYTES) {
      throw new Failure(
        exitCodes.usage,
        `${path} has ${stat.size} bytes; a request carries pictures of ${MAX_PICTURE_BYTES} bytes at most.`,
      );
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
};

/** Reads a picture file into a data URL. Throws a usage `Failure` naming the file. */
export async function pictureDataUrl(name: string, cwd: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readBounded(resolve(cwd, name));
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    const code = codeOf(cause);
    const reason = reasons[code] ?? (code || 'unknown reason');
    throw new Failure(exitCodes.usage, `${name} cannot be read: ${reason}.`, { cause });
  }
  const mediaType = mediaTypeOf(bytes);
  if (mediaType === undefined) {
    throw new Failure(exitCodes.usage, `${name} is not a PNG, JPEG, WebP or GIF picture.`);
  }
  return `data:${mediaType};base64,${bytes.toString('base64')}`;
}
