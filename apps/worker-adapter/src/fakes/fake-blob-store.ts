import { Readable } from 'node:stream';
import { BlobStore, type ReleaseOptions, type SweepReport } from '@fovea/blob-store';
import { FoveaError } from '@fovea/errors';
import type { BlobRef } from '@fovea/schemas/jobs';

/** Blobs in memory, by name. */
export class FakeBlobStore extends BlobStore {
  readonly bytes = new Map<string, Buffer>();
  readonly reads: string[] = [];
  readonly released: { owner: string; linger: boolean }[] = [];
  releaseProblem: Error | undefined;

  /** Stores bytes under a name made of one hex digit. */
  add(digit: string, bytes: Buffer, mediaType = 'image/png'): BlobRef {
    const name = digit.repeat(64);
    this.bytes.set(name, bytes);
    return { name, mediaType, byteSize: bytes.length };
  }

  put(): Promise<BlobRef> {
    return Promise.reject(new Error('adapters put nothing'));
  }

  async open(ref: BlobRef): Promise<AsyncIterable<Uint8Array>> {
    return Readable.from([await this.read(ref)]);
  }

  read(ref: BlobRef): Promise<Buffer> {
    this.reads.push(ref.name);
    const bytes = this.bytes.get(ref.name);
    return bytes === undefined ? Promise.reject(new FoveaError('GONE')) : Promise.resolve(bytes);
  }

  async hold(ref: BlobRef): Promise<void> {
    if (!this.bytes.has(ref.name)) throw new FoveaError('GONE');
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
