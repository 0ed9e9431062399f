import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { chmod, mkdir, open, readdir, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * The folder of a store:
 *
 *     salt                          key material of the names
 *     temp/<uuid>                   being written
 *     blobs/<2 digits>/<name>       the bytes
 *     refs/<2 digits>/<name>/<owner>       one marker file per reference: empty, or with the time it lasts until
 *     owners/<2 digits>/<owner>/<name>     the same references by owner, so that a release need not look at all blobs
 *     trash/<name>.<uuid>           on its way out, see `trash.ts`
 *
 * Processes of one host, or of several that share a POSIX volume, work in it at the same time without locks.
 */
export const FILE_MODE = 0o640;
export const FOLDER_MODE = 0o750;

export interface Layout {
  readonly root: string;
  readonly salt: string;
  readonly temp: string;
  readonly blobs: string;
  readonly refs: string;
  readonly owners: string;
  readonly trash: string;
  blob(name: string): string;
  /** Folder of a blob's markers. */
  refsOf(name: string): string;
  /** Folder of an owner's references. */
  refsBy(ownerKey: string): string;
}

const shardOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 2);

export function layoutOf(root: string): Layout {
  const under = (folder: string): string => join(root, folder);
  return {
    root,
    salt: under('salt'),
    temp: under('temp'),
    blobs: under('blobs'),
    refs: under('refs'),
    owners: under('owners'),
    trash: under('trash'),
    blob: (name) => join(root, 'blobs', name.slice(0, 2), name),
    refsOf: (name) => join(root, 'refs', name.slice(0, 2), name),
    // Request ids begin with the time, so their own first digits would all be the same.
    refsBy: (ownerKey) => join(root, 'owners', shardOf(ownerKey), ownerKey),
  };
}

/** The `code` of a system error. By shape: errors of Node's core fail `instanceof` in another realm. */
export function codeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : undefined;
}

/** Runs `work`; undefined when it fails with one of `codes`, because another process was faster. */
export async function unless<T>(codes: readonly string[], work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codes.includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** Makes a folder below the root, with its mode whatever the umask; the root itself must exist. */
export async function ensureFolder(path: string, root: string): Promise<void> {
  try {
    await mkdir(path, { mode: FOLDER_MODE });
    await unless(['ENOENT'], chmod(path, FOLDER_MODE));
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    if (codeOf(error) !== 'ENOENT' || path === root) throw error;
    await ensureFolder(dirname(path), root);
    await ensureFolder(path, root);
  }
}

/** Others remove folders that fall empty; a few rounds are enough, since somebody must win each of them. */
const MAX_ROUNDS = 100;

/** Runs `work` in a folder that is made if need be, again if another process removed it in between. */
export async function inFolder<T>(folder: string, root: string, work: () => Promise<T>): Promise<T> {
  for (let round = 1; ; round += 1) {
    try {
      return await work();
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || round === MAX_ROUNDS) throw error;
    }
    await ensureFolder(folder, root);
  }
}

/** Creates an empty file; false when it is there already. */
export async function createMarker(folder: string, name: string, root: string): Promise<boolean> {
  const opened = inFolder(folder, root, () => open(join(folder, name), 'wx', FILE_MODE));
  const handle = await unless(['EEXIST'], opened);
  await handle?.close();
  return handle !== undefined;
}

/** Deletes a file; false when it was gone. */
export async function removeFile(path: string): Promise<boolean> {
  return (
    (await unless(
      ['ENOENT', 'ENOTDIR'],
      unlink(path).then(() => true),
    )) ?? false
  );
}

/** Removes a folder if it is empty. */
export async function removeIfEmpty(folder: string): Promise<void> {
  await unless(['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EBUSY'], rmdir(folder));
}

/** Names in a folder; none when it does not exist. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await unless(['ENOENT', 'ENOTDIR'], readdir(folder))) ?? [];
}

/** Folders in a folder; none when it does not exist. */
export async function foldersIn(folder: string): Promise<string[]> {
  const none: Dirent[] = [];
  const entries = (await unless(['ENOENT', 'ENOTDIR'], readdir(folder, { withFileTypes: true }))) ?? none;
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
