import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureFolder, type Layout, namesIn, removeFile, unless } from './layout.js';
import { isReferenced } from './references.js';

/**
 * How a blob leaves without locks, and why no referenced blob is ever lost.
 *
 * A put does:      P1 take the reference, P2 rename its file to the blob's name (always, also over an equal one).
 * A removal does:  R1 see no reference, R2 rename the blob into the trash under a name of its own, R3 look for references
 *                  again, R4 restore it when there is one, else delete it from the trash.
 *
 * If R2 moved the file of P2, then P1 < P2 < R2 < R3: R3 sees the reference and restores. If P2 came after R2, the put's
 * own file stands under the blob's name, untouched by R4, which deletes or restores only the file it moved itself
 * (equal bytes). Any number of removals may run: each looks again after its own move. One that dies between R2
 * and R4 leaves its file to the next sweep, which begins at R3. Between R2 and R4 a reader finds the bytes in the trash.
 */
export interface Discarded {
  readonly name: string;
  readonly path: string;
}

/** R2. Undefined when the blob is not there. */
export async function discard(layout: Layout, name: string): Promise<Discarded | undefined> {
  const path = join(layout.trash, `${name}.${randomUUID()}`);
  await ensureFolder(layout.trash, layout.root);
  const moved = rename(layout.blob(name), path).then(() => true);
  return (await unless(['ENOENT'], moved)) === true ? { name, path } : undefined;
}

/** R3 and R4. Bytes that were freed; undefined when the blob went back, or somebody else has settled it. */
export async function settle(layout: Layout, { name, path }: Discarded): Promise<number | undefined> {
  if (await isReferenced(layout, name)) {
    await unless(['ENOENT'], rename(path, layout.blob(name)));
    return undefined;
  }
  const facts = await unless(['ENOENT'], stat(path));
  return facts !== undefined && (await removeFile(path)) ? facts.size : undefined;
}

/** R1 to R4: deletes a blob that nobody refers to. Bytes freed; undefined when it stays or was not there. */
export async function removeUnreferenced(layout: Layout, name: string): Promise<number | undefined> {
  if (await isReferenced(layout, name)) return undefined;
  const discarded = await discard(layout, name);
  return discarded === undefined ? undefined : settle(layout, discarded);
}

/** What removals that died left behind; bytes of each blob that this deleted. */
export async function settleLeftovers(layout: Layout): Promise<number[]> {
  const freed: number[] = [];
  for (const entry of await namesIn(layout.trash)) {
    const name = entry.slice(0, entry.indexOf('.'));
    const bytes = await settle(layout, { name, path: join(layout.trash, entry) });
    if (bytes !== undefined) freed.push(bytes);
  }
  return freed;
}

const MAX_LOOKS = 3;

/**
 * True when a blob is there and stays for somebody who has taken a reference to it. In its place it is safe: a removal
 * that takes it away from now on sees the reference at R3. What stands in the trash is settled here and now, because its
 * removal may have looked before the reference was there; whoever is first at R4 wins, and the other finds nothing.
 */
export async function isKept(layout: Layout, name: string): Promise<boolean> {
  const isInPlace = async (): Promise<boolean> =>
    (await unless(['ENOENT'], stat(layout.blob(name)))) !== undefined;
  for (let look = 0; look < MAX_LOOKS; look += 1) {
    if (await isInPlace()) return true;
    for (const entry of await namesIn(layout.trash)) {
      if (entry.startsWith(`${name}.`)) await settle(layout, { name, path: join(layout.trash, entry) });
    }
  }
  return isInPlace();
}

/** Opens a blob for reading wherever it stands; undefined when it is gone. */
export async function openBlob(layout: Layout, name: string): Promise<FileHandle | undefined> {
  const opened = (path: string) => unless(['ENOENT'], open(path, 'r'));
  // It may move between two looks, but each removal that runs can move a referenced blob only once.
  for (let look = 0; look < MAX_LOOKS; look += 1) {
    const inPlace = await opened(layout.blob(name));
    if (inPlace !== undefined) return inPlace;
    const entries = (await namesIn(layout.trash)).filter((entry) => entry.startsWith(`${name}.`));
    for (const entry of entries) {
      const found = await opened(join(layout.trash, entry));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
