import { randomUUID } from 'node:crypto';
import { FoveaError } from '@fovea/errors';
import type { BlobRef } from '@fovea/schemas/jobs';
import { abortable } from '../abortable.js';
import { blobName, isBlobName, ownerKeyOf } from '../blob-name.js';
import type { S3Location } from '../blob-store-url.js';
import {
  BlobStore,
  type HoldOptions,
  type PutOptions,
  type ReleaseOptions,
  type SweepReport,
} from '../index.js';
import { overQuota } from '../storage-full.js';
import { eachAtOnce } from './at-once.js';
import { Bucket, type OpenedObject } from './bucket.js';
import { checkBucket } from './check.js';
import { createS3Client, type S3Credentials } from './client.js';
import { findGeneration, keepGeneration, point, removeUnreferenced } from './generations.js';
import { listData, listLingering } from './inventory.js';
import { keys, lastOf } from './layout.js';
import { PartPool } from './part-buffers.js';
import { dropReference, referencesOf, takeReference } from './references.js';
import { loadSalt } from './salt.js';
import { removeBlobs, sweepStore } from './sweep.js';
import { Upload } from './upload.js';
import { type Arrival, Usage } from './usage.js';

export interface S3BlobStoreOptions {
  readonly location: S3Location;
  /** Left out, the SDK looks for a role or a profile by itself. */
  readonly credentials?: S3Credentials;
  /** How long a blob outlives its last reference; 0 deletes it with that. */
  readonly lingerS: number;
  /** References and unfinished uploads older than this were left by a killed process. Longer than any request lives. */
  readonly maxReferenceAgeS: number;
  /** Most bytes the store may hold; 64 GiB if left out, since a bucket has no end of its own. */
  readonly maxBytes?: number;
}

const DEFAULT_MAX_BYTES = 64 * 1024 ** 3;
/** Parts of 8 MiB beyond one per running put, for all puts of a process. */
const EXTRA_PARTS = 4;
const RELEASES_AT_ONCE = 8;
/** Between a listing and a read a blob may move to another generation; each sweep can do that only once. */
const MAX_LOOKS = 3;

/** Claim checks as objects in a bucket, for gateways and workers on several hosts. */
class S3BlobStore extends BlobStore {
  private readonly bucket: Bucket;
  private readonly usage: Usage;
  private readonly parts = new PartPool(EXTRA_PARTS);
  private salt: Promise<Buffer> | undefined;
  private makingRoom: Promise<unknown> | undefined;

  constructor(private readonly options: S3BlobStoreOptions) {
    super();
    const { location, credentials } = options;
    this.bucket = new Bucket(createS3Client(location, credentials), location.bucket, location.prefix);
    this.usage = new Usage(this.bucket, options.maxBytes ?? DEFAULT_MAX_BYTES);
  }

  async put(bytes: AsyncIterable<Uint8Array>, options: PutOptions): Promise<BlobRef> {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, ...(options.signal === undefined ? [] : [options.signal])]);
    const onPartFailed = (error: unknown): void => stop.abort(error);
    const generation = randomUUID();
    const upload = new Upload(this.bucket, keys.data(generation), this.parts, { signal, onPartFailed });
    const arrival = this.usage.arrival();
    try {
      const digest = await this.receive(abortable(bytes, signal), upload, arrival);
      const name = blobName(await this.loadSalt(), options.tenant, digest);
      signal.throwIfAborted();
      await this.keep(upload, generation, name, ownerKeyOf(options.owner));
      return { name, mediaType: options.mediaType, byteSize: upload.byteSize };
    } finally {
      // After `keep` there is nothing to discard. What can't be cleaned up now is found by a sweep; the reason of the
      // failure is what the caller needs.
      await upload.discard().catch(() => {});
      arrival.end();
    }
  }

  async open(ref: BlobRef, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { body } = await this.openChecked(ref, signal);
    return signal === undefined ? body : abortable<Buffer>(body, signal);
  }

  async read(ref: BlobRef, signal?: AbortSignal): Promise<Buffer> {
    const { body } = await this.openChecked(ref, signal);
    const whole = Buffer.allocUnsafeSlow(ref.byteSize);
    let length = 0;
    for await (const chunk of signal === undefined ? body : abortable<Buffer>(body, signal)) {
      length += chunk.copy(whole, length);
    }
    if (length < ref.byteSize) throw new Error(`S3 GetObject: ${length} of ${ref.byteSize} bytes came`);
    return whole;
  }

  locate(): undefined {
    return undefined;
  }

  async hold(ref: BlobRef, { owner, untilMs }: HoldOptions): Promise<void> {
    if (!isBlobName(ref.name)) throw new FoveaError('GONE');
    const ownerKey = ownerKeyOf(owner);
    const until = untilMs === undefined ? undefined : Math.ceil(untilMs);
    await takeReference(this.bucket, { name: ref.name, ownerKey, untilMs: until });
    if (!(await keepGeneration(this.bucket, ref.name))) throw new FoveaError('GONE');
  }

  async release(owner: string, options: ReleaseOptions): Promise<void> {
    const ownerKey = ownerKeyOf(owner);
    const lingers = options.linger && this.options.lingerS > 0;
    await eachAtOnce(await referencesOf(this.bucket, ownerKey), RELEASES_AT_ONCE, async (reference) => {
      const { name } = reference;
      if (lingers) await this.bucket.put(keys.used(name));
      await dropReference(this.bucket, reference);
      if (!lingers) this.usage.change(-((await removeUnreferenced(this.bucket, name)) ?? 0));
    });
  }

  async sweep(nowMs: number): Promise<SweepReport> {
    return sweepStore(this.bucket, this.usage, nowMs, this.options);
  }

  async check(): Promise<void> {
    await checkBucket(this.bucket, this.options.location, () => this.loadSalt());
  }

  /** Takes the bytes as they come. SHA-256 of them. */
  private async receive(bytes: AsyncIterable<Uint8Array>, upload: Upload, arrival: Arrival): Promise<Buffer> {
    await this.usage.refresh();
    for await (const chunk of bytes) {
      if (!this.usage.hasRoomFor(chunk.byteLength)) await this.makeRoom(chunk.byteLength);
      arrival.add(chunk.byteLength);
      await upload.write(chunk);
    }
    return upload.finish();
  }

  /** P1 to P4 of `generations.ts`. Nothing is undone after P1: an equal put of the same owner may rely on the reference. */
  private async keep(upload: Upload, generation: string, name: string, ownerKey: string): Promise<void> {
    await takeReference(this.bucket, { name, ownerKey, untilMs: undefined });
    if ((await findGeneration(this.bucket, name)) !== undefined) return;
    await upload.complete();
    // From here on others may rely on the data, even if we never hear that the pointer was written.
    upload.handOver();
    this.usage.change(upload.byteSize);
    await point(this.bucket, name, generation);
  }

  private async openChecked(ref: BlobRef, signal: AbortSignal | undefined): Promise<OpenedObject> {
    signal?.throwIfAborted();
    // The name becomes a key.
    if (!isBlobName(ref.name)) throw new FoveaError('GONE');
    const opened = await this.openGeneration(ref.name, signal);
    if (opened === undefined) throw new FoveaError('GONE');
    if (opened.byteSize === ref.byteSize) return opened;
    opened.body.destroy();
    throw new FoveaError('GONE', { detail: `${ref.name} has ${opened.byteSize} of ${ref.byteSize} bytes` });
  }

  private async openGeneration(
    name: string,
    signal: AbortSignal | undefined,
  ): Promise<OpenedObject | undefined> {
    for (let look = 0; look < MAX_LOOKS; look += 1) {
      let isListed = false;
      for await (const { key } of this.bucket.list(keys.pointers(name), signal)) {
        isListed = true;
        const generation = lastOf(key).slice('at.'.length);
        const opened = await this.bucket.open(keys.data(generation), signal);
        if (opened !== undefined) return opened;
      }
      if (!isListed) return undefined;
    }
    return undefined;
  }

  /** Evicts lingering blobs. Puts that wait for the same eviction may need more than it made: each looks once more. */
  private async makeRoom(bytes: number): Promise<void> {
    for (let attempt = 0; attempt < 2 && !this.usage.hasRoomFor(bytes); attempt += 1) {
      this.makingRoom ??= this.evict(bytes).finally(() => {
        this.makingRoom = undefined;
      });
      await this.makingRoom;
    }
    if (!this.usage.hasRoomFor(bytes)) throw overQuota(this.usage.maxBytes);
  }

  private async evict(bytes: number): Promise<void> {
    const data = await listData(this.bucket);
    this.usage.measured([...data.values()].reduce((sum, object) => sum + object.byteSize, 0));
    for (const blob of await listLingering(this.bucket, data)) {
      if (this.usage.hasRoomFor(bytes)) return;
      await removeBlobs(this.bucket, this.usage, [blob]);
    }
  }

  private loadSalt(): Promise<Buffer> {
    this.salt ??= loadSalt(this.bucket).catch((error: unknown) => {
      this.salt = undefined;
      throw error;
    });
    return this.salt;
  }
}

/** A `BlobStore` in a bucket. `check()` tells whether it can be used. */
export function createS3BlobStore(options: S3BlobStoreOptions): BlobStore {
  return new S3BlobStore(options);
}
