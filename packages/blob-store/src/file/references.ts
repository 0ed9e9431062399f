import { utimes } from 'node:fs/promises';
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

/** Lets a sweep drop the reference at another time than that of one which is taken now: markers are judged by their age. */
export async function dateReference(
  layout: Layout,
  name: string,
  ownerKey: string,
  takenAtMs: number,
): Promise<void> {
  const takenAt = new Date(takenAtMs);
  for (const path of [join(layout.refsBy(ownerKey), name), join(layout.refsOf(name), ownerKey)]) {
    await unless(['ENOENT'], utimes(path, takenAt, takenAt));
  }
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
