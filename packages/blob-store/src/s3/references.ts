import type { Bucket } from './bucket.js';
import { keys, lastOf } from './layout.js';

/**
 * Takes a reference; taking it again renews its age. Both objects at once: an entry of which only one half was written is
 * as old as any other when a sweep comes by.
 */
export async function takeReference(bucket: Bucket, name: string, ownerKey: string): Promise<void> {
  await Promise.all([bucket.put(keys.ownedBlob(ownerKey, name)), bucket.put(keys.reference(name, ownerKey))]);
}

/** Drops one reference. The entry by owner goes last: whatever fails in between, a release finds the rest again. */
export async function dropReference(bucket: Bucket, name: string, ownerKey: string): Promise<void> {
  await bucket.remove(keys.reference(name, ownerKey));
  await bucket.remove(keys.ownedBlob(ownerKey, name));
}

/** Names of the blobs that an owner refers to. */
export async function blobsOf(bucket: Bucket, ownerKey: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of bucket.list(keys.owned(ownerKey))) names.push(lastOf(key));
  return names;
}

export const isReferenced = (bucket: Bucket, name: string): Promise<boolean> =>
  bucket.isAny(keys.references(name));
