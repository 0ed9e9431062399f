import type { Bucket, ListedObject } from './bucket.js';
import { keys, lastOf, partsOf, type Reference } from './layout.js';
import { allRecords, type BlobRecord } from './records.js';

/** A blob that nobody referred to when the store was listed. */
export interface LingeringBlob {
  readonly name: string;
  readonly byteSize: number;
  readonly usedAtMs: number;
}

export interface ListedReference extends Reference {
  readonly modifiedAtMs: number;
}

/** Every object under `data/` by its generation. About 150 bytes of memory for each. */
export async function listData(bucket: Bucket): Promise<Map<string, ListedObject>> {
  const data = new Map<string, ListedObject>();
  for await (const object of bucket.list(keys.allData)) data.set(lastOf(object.key), object);
  return data;
}

export async function* listReferences(bucket: Bucket): AsyncGenerator<ListedReference> {
  for await (const { key, modifiedAtMs } of bucket.list(keys.allReferences)) {
    const { first: name, second: ownerKey, untilMs } = partsOf(key);
    yield { name, ownerKey, untilMs, modifiedAtMs };
  }
}

/** Halves of references, which a killed process left without the other half, are found here. */
export async function* listOwned(bucket: Bucket): AsyncGenerator<ListedReference> {
  for await (const { key, modifiedAtMs } of bucket.list(keys.allOwners)) {
    const { first: ownerKey, second: name, untilMs } = partsOf(key);
    yield { name, ownerKey, untilMs, modifiedAtMs };
  }
}

/** The record as a candidate for removal. */
export function lingering(record: BlobRecord, data: ReadonlyMap<string, ListedObject>): LingeringBlob {
  let byteSize = 0;
  for (const generation of record.pointers.keys()) byteSize += data.get(generation)?.byteSize ?? 0;
  return { name: record.name, byteSize, usedAtMs: record.usedAtMs };
}

/** Blobs without a reference, least recently used first. What is referred to by now is seen when it comes to removal. */
export async function listLingering(
  bucket: Bucket,
  data: ReadonlyMap<string, ListedObject>,
): Promise<LingeringBlob[]> {
  const referenced = new Set<string>();
  for await (const { name } of listReferences(bucket)) referenced.add(name);
  const found: LingeringBlob[] = [];
  for await (const record of allRecords(bucket)) {
    if (!referenced.has(record.name)) found.push(lingering(record, data));
  }
  return found.sort((left, right) => left.usedAtMs - right.usedAtMs);
}
