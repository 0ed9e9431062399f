import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import type { SweepReport } from '../index.js';
import { eachAtOnce } from './at-once.js';
import type { Bucket, ListedObject } from './bucket.js';
import { mergeGenerations, removeUnreferenced } from './generations.js';
import {
  type LingeringBlob,
  type ListedReference,
  lingering,
  listData,
  listOwned,
  listReferences,
} from './inventory.js';
import { keys, type Reference } from './layout.js';
import { allRecords, type BlobRecord } from './records.js';
import { dropReference } from './references.js';
import { unlessCode } from './request-error.js';
import type { Usage } from './usage.js';

/** Requests of one sweep at once; puts and reads need the other sockets. */
const AT_ONCE = 8;
/** A removal that is alive gives up long before, see `generations.ts`. */
const MIN_MARKER_AGE_MS = 600_000;

export interface SweepLimits {
  readonly lingerS: number;
  readonly maxReferenceAgeS: number;
}

interface Sweeping {
  readonly bucket: Bucket;
  readonly usage: Usage;
  /** By the server's clock, as all ages here. */
  readonly nowMs: number;
  /** What is older was left by a killed process. */
  readonly staleBeforeMs: number;
}

/** Uploads that were begun and neither completed nor aborted: their parts take room and no listing shows them. */
async function abortOldUploads({ bucket, staleBeforeMs }: Sweeping): Promise<void> {
  let marker: { KeyMarker: string; UploadIdMarker: string } | undefined;
  do {
    const list = new ListMultipartUploadsCommand({ ...bucket.fullPrefix, ...marker });
    const page = await bucket.request('ListMultipartUploads', () => bucket.client.send(list));
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      const key = bucket.relative(Key);
      if (key === undefined || UploadId === undefined || Initiated === undefined) continue;
      if (Initiated.getTime() >= staleBeforeMs) continue;
      const abort = new AbortMultipartUploadCommand({ ...bucket.locate(key), UploadId });
      await unlessCode(
        ['NoSuchUpload'],
        bucket.request('AbortMultipartUpload', () => bucket.client.send(abort)),
      );
    }
    const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
    marker =
      IsTruncated === true && KeyMarker !== undefined && UploadIdMarker !== undefined
        ? { KeyMarker, UploadIdMarker }
        : undefined;
  } while (marker !== undefined);
}

/** Names that are referred to, and how many references were dropped because their time is over. */
async function dropOldReferences({
  bucket,
  nowMs,
  staleBeforeMs,
}: Sweeping): Promise<{ referenced: Set<string>; dropped: number }> {
  const isOver = ({ untilMs, modifiedAtMs }: ListedReference): boolean =>
    untilMs === undefined ? modifiedAtMs < staleBeforeMs : untilMs < nowMs;
  const referenced = new Set<string>();
  const old = new Map<string, Reference>();
  for await (const reference of listReferences(bucket)) {
    if (isOver(reference)) old.set(keys.reference(reference), reference);
    else referenced.add(reference.name);
  }
  const dropped = old.size;
  for await (const reference of listOwned(bucket)) {
    if (isOver(reference)) old.set(keys.reference(reference), reference);
  }
  await eachAtOnce(old.values(), AT_ONCE, (reference) => dropReference(bucket, reference));
  return { referenced, dropped };
}

/** Repairs what killed processes left in a record that stays. */
async function tidyRecord(
  { bucket, usage, nowMs, staleBeforeMs }: Sweeping,
  record: BlobRecord,
  data: ReadonlyMap<string, ListedObject>,
): Promise<void> {
  if (record.pointers.size > 1) usage.change(-(await mergeGenerations(bucket, record.name)));
  for (const { key, modifiedAtMs } of record.markers) {
    if (modifiedAtMs < Math.min(staleBeforeMs, nowMs - MIN_MARKER_AGE_MS)) await bucket.remove(key);
  }
  for (const [generation, madeAtMs] of record.pointers) {
    const isDangling = madeAtMs < staleBeforeMs && !data.has(generation);
    if (isDangling) await bucket.remove(keys.pointer(record.name, generation));
  }
}

export interface Removal {
  readonly blobs: number;
  readonly bytes: number;
}

/** Removes those of `blobs` that are still not referred to. */
export async function removeBlobs(
  bucket: Bucket,
  usage: Usage,
  blobs: Iterable<LingeringBlob>,
): Promise<Removal> {
  let count = 0;
  let bytes = 0;
  await eachAtOnce(blobs, AT_ONCE, async ({ name }) => {
    const freed = await removeUnreferenced(bucket, name);
    if (freed === undefined) return;
    usage.change(-freed);
    count += 1;
    bytes += freed;
  });
  return { blobs: count, bytes };
}

export async function sweepStore(
  bucket: Bucket,
  usage: Usage,
  ourNowMs: number,
  limits: SweepLimits,
): Promise<SweepReport> {
  // The ages below are compared with dates that the server gave; any answer tells how far its clock is from ours.
  await bucket.sizeOf(keys.salt);
  const nowMs = ourNowMs + bucket.clockOffsetMs;
  const sweeping = { bucket, usage, nowMs, staleBeforeMs: nowMs - limits.maxReferenceAgeS * 1_000 };
  await abortOldUploads(sweeping);
  const { referenced, dropped } = await dropOldReferences(sweeping);
  const data = await listData(bucket);
  usage.measured([...data.values()].reduce((sum, object) => sum + object.byteSize, 0));
  const pointed = new Set<string>();
  const expired: LingeringBlob[] = [];
  const unusedSinceMs = nowMs - limits.lingerS * 1_000;
  for await (const record of allRecords(bucket)) {
    for (const generation of record.pointers.keys()) pointed.add(generation);
    if (!referenced.has(record.name) && record.usedAtMs <= unusedSinceMs)
      expired.push(lingering(record, data));
    else await tidyRecord(sweeping, record, data);
  }
  const removed = await removeBlobs(bucket, usage, expired);
  await removeOrphans(sweeping, data, pointed);
  return { deletedBlobs: removed.blobs, deletedBytes: removed.bytes, droppedReferences: dropped };
}

/** Data whose put died before it wrote the pointer. */
async function removeOrphans(
  { bucket, usage, staleBeforeMs }: Sweeping,
  data: ReadonlyMap<string, ListedObject>,
  pointed: ReadonlySet<string>,
): Promise<void> {
  for (const [generation, object] of data) {
    if (pointed.has(generation) || object.modifiedAtMs >= staleBeforeMs) continue;
    await bucket.remove(object.key);
    usage.change(-object.byteSize);
  }
}
