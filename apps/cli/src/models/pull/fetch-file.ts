import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exitCodes, Failure } from '../../failure.js';
import type { HubFile } from './choose-files.js';

/** Where the bytes of a file come from. */
export interface FileSource {
  read(file: HubFile, start: number): Promise<AsyncIterable<Uint8Array>>;
}

/** Called with the bytes that are there, whenever more have come. */
export type OnProgress = (bytes: number) => void;

/** Git's own digest of a file has its length in front. */
function startDigest({ digest, size }: HubFile): Hash {
  if (digest.kind === 'sha256') return createHash('sha256');
  return createHash('sha1').update(`blob ${size}\0`);
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    (facts) => facts.size,
    () => 0,
  );

async function hashFile(path: string, hash: Hash): Promise<Hash> {
  for await (const bytes of createReadStream(path)) hash.update(bytes);
  return hash;
}

/** Is the file there, whole and unchanged? */
async function isThere(path: string, file: HubFile): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  if (facts?.isFile() !== true || facts.size !== file.size) return false;
  return (await hashFile(path, startDigest(file))).digest('hex') === file.digest.hex;
}

/** Appends what is missing and tells whether the whole has the right digest. */
async function complete(
  part: string,
  file: HubFile,
  source: FileSource,
  onProgress: OnProgress,
): Promise<boolean> {
  const start = await sizeOf(part);
  const hash = start === 0 ? startDigest(file) : await hashFile(part, startDigest(file));
  let bytes = start;
  const handle = await open(part, 'a');
  try {
    onProgress(bytes);
    if (bytes < file.size) {
      for await (const piece of await source.read(file, start)) {
        await handle.appendFile(piece);
        hash.update(piece);
        bytes += piece.length;
        if (bytes > file.size) return false;
        onProgress(bytes);
      }
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (bytes < file.size) {
    throw new Failure(exitCodes.interrupted, `${file.path} broke off; run the command again to go on.`);
  }
  return hash.digest('hex') === file.digest.hex;
}

/**
 * Brings one file into a folder. What was begun before is gone on with; a file gets its name when its digest is right,
 * so whatever has a name is whole.
 *
 * @returns false when it was there already.
 * @throws Failure when the connection breaks off (what came stays for the next time), or twice the wrong bytes came.
 */
export async function fetchFile(
  folder: string,
  file: HubFile,
  source: FileSource,
  onProgress: OnProgress,
): Promise<boolean> {
  const path = join(folder, file.path);
  if (await isThere(path, file)) return false;
  const part = `${path}.part`;
  await mkdir(dirname(path), { recursive: true });
  const hadBegun = (await sizeOf(part)) > 0;
  let isRight = await complete(part, file, source, onProgress);
  if (!isRight && hadBegun) {
    // The beginning was of another revision.
    await rm(part);
    isRight = await complete(part, file, source, onProgress);
  }
  if (isRight) {
    await rename(part, path);
    return true;
  }
  await rm(part);
  throw new Failure(exitCodes.refused, `${file.path} does not have the digest that the hub tells.`);
}
