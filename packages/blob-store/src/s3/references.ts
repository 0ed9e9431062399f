import type { Bucket } from './bucket.js';
import { keys, partsOf, type Reference } from './layout.js';

/**
 * Takes a reference; taking it again renews its age. Both objects at once: an entry of which only one half was written is
 * as old as any other when a sweep comes by.
 */
export async function takeReference(bucket: Bucket, reference: Reference): Promise<void> {
  await Promise.all([bucket.put(keys.ownedBlob(reference)), bucket.put(keys.reference(reference))]);
}

/** Drops one reference. The entry by owner goes last: whatever fails in between, a release finds the rest again. */
export async function dropReference(bucket: Bucket, reference: Reference): Promise<void> {
  await bucket.remove(keys.reference(reference));
  await bucket.remove(keys.ownedBlob(reference));
}

/** An owner's references. */
export async function referencesOf(bucket: Bucket, ownerKey: string): Promise<Reference[]> {
  const references: Reference[] = [];
  for await (const { key } of bucket.list(keys.owned(ownerKey))) {
    const { second: name, untilMs } = partsOf(key);
    references.push({ name, ownerKey, untilMs });
  }
  return references;
}

export const isReferenced = (bucket: Bucket, name: string): Promise<boolean> =>
  bucket.isAny(keys.references(name));
