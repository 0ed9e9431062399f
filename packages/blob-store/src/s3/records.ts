import type { Bucket, ListedObject } from './bucket.js';
import { keys, partsOf } from './layout.js';

/** A removal's announcement. */
export interface Marker {
  readonly key: string;
  readonly generation: string;
  readonly modifiedAtMs: number;
}

/** What is known of one blob: all objects under `names/<name>/`. */
export interface BlobRecord {
  readonly name: string;
  /** Generations that hold the bytes and when they were made, in the order of their names. */
  readonly pointers: ReadonlyMap<string, number>;
  readonly markers: readonly Marker[];
  readonly hasUsedMark: boolean;
  /** Last put or release; 0 for a record without either. */
  readonly usedAtMs: number;
}

function recordOf(name: string, objects: readonly ListedObject[]): BlobRecord {
  const pointers = new Map<string, number>();
  const markers: Marker[] = [];
  let usedAtMs = 0;
  let hasUsedMark = false;
  for (const { key, modifiedAtMs } of objects) {
    const entry = key.slice(keys.record(name).length);
    const [kind, generation] = entry.split('.');
    if (kind === 'going' && generation !== undefined) markers.push({ key, generation, modifiedAtMs });
    if (kind === 'at' && generation !== undefined) pointers.set(generation, modifiedAtMs);
    if (kind === 'used') hasUsedMark = true;
    if (kind !== 'going') usedAtMs = Math.max(usedAtMs, modifiedAtMs);
  }
  return { name, pointers, markers, hasUsedMark, usedAtMs };
}

export async function readRecord(bucket: Bucket, name: string): Promise<BlobRecord> {
  const objects: ListedObject[] = [];
  for await (const object of bucket.list(keys.record(name))) objects.push(object);
  return recordOf(name, objects);
}

/** Every record of the store. Listings are sorted, so that only one record is held at a time. */
export async function* allRecords(bucket: Bucket): AsyncGenerator<BlobRecord> {
  let name = '';
  let objects: ListedObject[] = [];
  for await (const object of bucket.list(keys.allNames)) {
    const { first: next } = partsOf(object.key);
    if (next !== name && objects.length > 0) {
      yield recordOf(name, objects);
      objects = [];
    }
    name = next;
    objects.push(object);
  }
  if (objects.length > 0) yield recordOf(name, objects);
}
