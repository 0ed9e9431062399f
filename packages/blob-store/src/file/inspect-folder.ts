import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { FolderReport } from '../index.js';
import { foldersIn, layoutOf, namesIn } from './layout.js';
import { isOver, isReferenced } from './references.js';
import { storedBlobs } from './usage.js';

export interface InspectionLimits {
  /** As the store's own processes have it. */
  readonly lingerS: number;
  readonly maxReferenceAgeS: number;
}

/** Sweeps come every minute; what is overdue by less than three of them only waits for the next one. */
const SWEEP_GRACE_MS = 180_000;

async function countOverdueReferences(refs: string, nowMs: number, takenBeforeMs: number): Promise<number> {
  let count = 0;
  for (const shard of await foldersIn(refs)) {
    for (const blob of await foldersIn(join(refs, shard))) {
      for (const owner of await namesIn(join(refs, shard, blob))) {
        if (await isOver(join(refs, shard, blob, owner), nowMs, takenBeforeMs)) count += 1;
      }
    }
  }
  return count;
}

/** Looks at the folder of a store without changing it. What a sweep would have taken away by now is overdue. */
export async function inspectFolder(root: string, limits: InspectionLimits): Promise<FolderReport> {
  const layout = layoutOf(root);
  const nowMs = Date.now() - SWEEP_GRACE_MS;
  let blobs = 0;
  let bytes = 0;
  let overdueBlobs = 0;
  let overdueBytes = 0;
  for await (const { name, byteSize, usedAtMs } of storedBlobs(layout)) {
    blobs += 1;
    bytes += byteSize;
    if (usedAtMs > nowMs - limits.lingerS * 1_000 || (await isReferenced(layout, name))) continue;
    overdueBlobs += 1;
    overdueBytes += byteSize;
  }
  const takenBeforeMs = nowMs - limits.maxReferenceAgeS * 1_000;
  const overdueReferences = await countOverdueReferences(layout.refs, nowMs, takenBeforeMs);
  const disk = await statfs(root);
  const freeBytes = disk.bavail * disk.bsize;
  return {
    blobs,
    bytes,
    overdueBlobs,
    overdueBytes,
    overdueReferences,
    freeBytes,
    diskBytes: disk.blocks * disk.bsize,
  };
}
