import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SweepReport } from '../index.js';
import { foldersIn, type Layout, namesIn, removeFile, removeIfEmpty, unless } from './layout.js';
import { dropReference, isOver, isReferenced } from './references.js';
import { removeUnreferenced, settleLeftovers } from './trash.js';
import { type StoredBlob, storedBlobs, type Usage } from './usage.js';

async function isOlder(path: string, beforeMs: number): Promise<boolean> {
  const facts = await unless(['ENOENT', 'ENOTDIR'], stat(path));
  return facts !== undefined && facts.mtimeMs < beforeMs;
}

async function removeOldTemporaryFiles(layout: Layout, beforeMs: number): Promise<void> {
  for (const name of await namesIn(layout.temp)) {
    const path = join(layout.temp, name);
    if (await isOlder(path, beforeMs)) await removeFile(path);
  }
}

/** Calls back for each `<tree>/<2 digits>/<folder>/<entry>` that `isDue`. */
async function eachDueEntry(
  tree: string,
  isDue: (path: string) => Promise<boolean>,
  found: (folder: string, entry: string) => Promise<unknown>,
): Promise<void> {
  for (const shard of await foldersIn(tree)) {
    for (const folder of await foldersIn(join(tree, shard))) {
      const path = join(tree, shard, folder);
      for (const entry of await namesIn(path)) {
        if (await isDue(join(path, entry))) await found(folder, entry);
      }
      await removeIfEmpty(path);
    }
  }
}

/** Drops what killed processes left: both sides are looked at, since either may have lost the other. */
async function dropOldReferences(layout: Layout, nowMs: number, takenBeforeMs: number): Promise<number> {
  const isDue = (path: string): Promise<boolean> => isOver(path, nowMs, takenBeforeMs);
  let dropped = 0;
  const drop = async (name: string, ownerKey: string): Promise<void> => {
    if (await dropReference(layout, name, ownerKey)) dropped += 1;
  };
  await eachDueEntry(layout.refs, isDue, drop);
  await eachDueEntry(layout.owners, isDue, (ownerKey, name) => drop(name, ownerKey));
  return dropped;
}

export interface Removal {
  readonly blobs: number;
  readonly bytes: number;
}

/** Deletes unreferenced blobs, least recently used first: those unused since `unusedSinceMs`, and more until there is room. */
export async function removeLingering(
  layout: Layout,
  usage: Usage,
  unusedSinceMs: number,
  neededBytes = 0,
): Promise<Removal> {
  const lingering: StoredBlob[] = [];
  for await (const blob of storedBlobs(layout)) {
    if (!(await isReferenced(layout, blob.name))) lingering.push(blob);
  }
  lingering.sort((left, right) => left.usedAtMs - right.usedAtMs);
  let blobs = 0;
  let bytes = 0;
  for (const blob of lingering) {
    if (blob.usedAtMs > unusedSinceMs && usage.hasRoomFor(neededBytes)) break;
    const freed = await removeUnreferenced(layout, blob.name);
    if (freed === undefined) continue;
    usage.change(-freed);
    blobs += 1;
    bytes += freed;
  }
  return { blobs, bytes };
}

export interface SweepLimits {
  readonly lingerS: number;
  readonly maxReferenceAgeS: number;
}

export async function sweepStore(
  layout: Layout,
  usage: Usage,
  nowMs: number,
  limits: SweepLimits,
): Promise<SweepReport> {
  const oldBeforeMs = nowMs - limits.maxReferenceAgeS * 1_000;
  await removeOldTemporaryFiles(layout, oldBeforeMs);
  const droppedReferences = await dropOldReferences(layout, nowMs, oldBeforeMs);
  const leftovers = await settleLeftovers(layout);
  await usage.refresh(true);
  const removed = await removeLingering(layout, usage, nowMs - limits.lingerS * 1_000);
  return {
    deletedBlobs: leftovers.length + removed.blobs,
    deletedBytes: leftovers.reduce((sum, bytes) => sum + bytes, 0) + removed.bytes,
    droppedReferences,
  };
}
