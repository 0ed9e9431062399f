import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  type BlobFile,
  BlobStore,
  type HoldOptions,
  type PutOptions,
  type ReleaseOptions,
  type SweepReport,
} from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { BlobRef } from '@fovea/schemas/jobs';

/** Blobs in memory, by name. */
export class FakeBlobStore extends BlobStore {
  readonly bytes = new Map<string, Buffer>();
  readonly reads: string[] = [];
  readonly held: { name: string; owner: string }[] = [];
  /** Where its files would be; undefined: it has none. */
  folder: string | undefined;
  readonly released: { owner: string; linger: boolean }[] = [];
  releaseProblem: Error | undefined;

  /** Stores bytes under a name made of one hex digit. */
  add(digit: string, bytes: Buffer, mediaType = 'image/png'): BlobRef {
    const name = digit.repeat(64);
    this.bytes.set(name, bytes);
    return { name, mediaType, byteSize: bytes.length };
  }

  /** Names a blob by its tenant and bytes, as every store does. */
  async put(bytes: AsyncIterable<Uint8Array>, { tenant, owner, mediaType }: PutOptions): Promise<BlobRef> {
    const parts: Uint8Array[] = [];
    for await (const part of bytes) parts.push(part);
    const whole = Buffer.concat(parts);
    const name = createHash('sha256').update(`${tenant}:`).update(whole).digest('hex');
    this.bytes.set(name, whole);
    this.held.push({ name, owner });
    return { name, mediaType, byteSize: whole.length };
  }

  locate({ name }: BlobRef): BlobFile | undefined {
    return this.folder === undefined ? undefined : { path: `${this.folder}/${name}`, below: `blobs/${name}` };
  }

  async open(ref: BlobRef): Promise<AsyncIterable<Uint8Array>> {
    return Readable.from([await this.read(ref)]);
  }

  read(ref: BlobRef): Promise<Buffer> {
    this.reads.push(ref.name);
    const bytes = this.bytes.get(ref.name);
    return bytes === undefined ? Promise.reject(new FoveaError('GONE')) : Promise.resolve(bytes);
  }

  async hold({ name }: BlobRef, { owner }: HoldOptions): Promise<void> {
    if (!this.bytes.has(name)) throw new FoveaError('GONE');
    this.held.push({ name, owner });
  }

  release(owner: string, options: ReleaseOptions): Promise<void> {
    this.released.push({ owner, linger: options.linger });
    return this.releaseProblem === undefined ? Promise.resolve() : Promise.reject(this.releaseProblem);
  }

  sweep(): Promise<SweepReport> {
    return Promise.resolve({ deletedBlobs: 0, deletedBytes: 0, droppedReferences: 0 });
  }

  check(): Promise<void> {
    return Promise.resolve();
  }
}
