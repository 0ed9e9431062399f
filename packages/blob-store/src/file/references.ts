import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createMarker, type Layout, namesIn, removeFile, removeIfEmpty, unless } from './layout.js';

/**
 * Takes a reference. The entry by owner comes first: whatever crashes in between, no marker is left that a release
 * would not find.
 */
export async function takeReference(layout: Layout, name: string, ownerKey: string): Promise<void> {
  const byOwner = layout.refsBy(ownerKey);
  const isNew = await createMarker(byOwner, name, layout.root);
  try {
    await createMarker(layout.refsOf(name), ownerKey, layout.root);
  } catch (error) {
    if (isNew) await removeFile(join(byOwner, name));
    throw error;
  }
}

/** Of the time that a marker holds: a later one replaces it in a single write, so no reader finds half of each. */
const UNTIL_DIGITS = 16;

/** Lets a reference last until a time (ms since 1970), whatever age others reach: its markers say so. */
export async function limitReference(
  layout: Layout,
  name: string,
  ownerKey: string,
  untilMs: number,
): Promise<void> {
  const text = String(Math.ceil(untilMs)).padStart(UNTIL_DIGITS, '0');
  for (const path of [join(layout.refsBy(ownerKey), name), join(layout.refsOf(name), ownerKey)]) {
    await unless(['ENOENT'], writeFile(path, text, { flag: 'r+' }));
  }
}

/** Whether a marker has outlived its time: the one that it names, or else that of what was taken before `takenBeforeMs`. */
export async function isOver(path: string, nowMs: number, takenBeforeMs: number): Promise<boolean> {
  const facts = await unless(['ENOENT', 'ENOTDIR'], stat(path));
  if (facts === undefined) return false;
  const text = facts.size === UNTIL_DIGITS ? await unless(['ENOENT'], readFile(path, 'latin1')) : '';
  // What a crash left half written is as old as any other.
  return text !== undefined && /^\d{16}$/.test(text) ? Number(text) < nowMs : facts.mtimeMs < takenBeforeMs;
}

/** Drops one reference. The marker goes first, for the same reason. */
export async function dropReference(layout: Layout, name: string, ownerKey: string): Promise<boolean> {
  const refs = layout.refsOf(name);
  const byOwner = layout.refsBy(ownerKey);
  const wasHeld = await removeFile(join(refs, ownerKey));
  await removeIfEmpty(refs);
  await removeFile(join(byOwner, name));
  await removeIfEmpty(byOwner);
  return wasHeld;
}

/** Names of the blobs that an owner refers to. */
export const blobsOf = (layout: Layout, ownerKey: string): Promise<string[]> =>
  namesIn(layout.refsBy(ownerKey));

export async function isReferenced(layout: Layout, name: string): Promise<boolean> {
  return (await namesIn(layout.refsOf(name))).length > 0;
}
