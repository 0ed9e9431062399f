import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { foldersIn, type Layout, namesIn, unless } from './layout.js';

/** The folder is measured again when the last measure is older; between, this process counts its own changes. */
const MEASURE_INTERVAL_MS = 10_000;

export interface StoredBlob {
  readonly name: string;
  readonly byteSize: number;
  /** Last put, read or release. */
  readonly usedAtMs: number;
}

/** Every blob of the store, shard by shard. */
export async function* storedBlobs(layout: Layout): AsyncGenerator<StoredBlob> {
  for (const shard of await foldersIn(layout.blobs)) {
    const folder = join(layout.blobs, shard);
    for (const name of await namesIn(folder)) {
      const facts = await unless(['ENOENT'], stat(join(folder, name)));
      if (facts?.isFile()) yield { name, byteSize: facts.size, usedAtMs: facts.mtimeMs };
    }
  }
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await namesIn(folder)) {
    bytes += (await unless(['ENOENT'], stat(join(folder, name))))?.size ?? 0;
  }
  return bytes;
}

export interface Quota {
  /** Absolute bound; else `fraction` of what the disk could give to blobs. */
  readonly maxBytes: number | undefined;
  readonly fraction: number;
}

/** How full the store is. Other processes' writes are seen at the next measure, the disk's own end always. */
export class Usage {
  private usedBytes = 0;
  private limitBytes = Number.POSITIVE_INFINITY;
  private measuredAtMs = Number.NEGATIVE_INFINITY;
  private measuring: Promise<void> | undefined;

  constructor(
    private readonly layout: Layout,
    private readonly quota: Quota,
  ) {}

  get maxBytes(): number {
    return this.limitBytes;
  }

  hasRoomFor(bytes: number): boolean {
    return this.usedBytes + bytes <= this.limitBytes;
  }

  /** Counts bytes written (positive) or freed (negative) by this process. */
  change(bytes: number): void {
    this.usedBytes = Math.max(0, this.usedBytes + bytes);
  }

  async refresh(force = false): Promise<void> {
    if (!force && performance.now() - this.measuredAtMs < MEASURE_INTERVAL_MS) return;
    this.measuring ??= this.measure().finally(() => {
      this.measuring = undefined;
    });
    await this.measuring;
  }

  private async measure(): Promise<void> {
    let bytes = (await bytesIn(this.layout.temp)) + (await bytesIn(this.layout.trash));
    for await (const blob of storedBlobs(this.layout)) bytes += blob.byteSize;
    const disk = await statfs(this.layout.root);
    this.usedBytes = bytes;
    // What is stored already counts as free: the bound must not shrink as the store fills.
    const attainable = disk.bavail * disk.bsize + bytes;
    this.limitBytes = this.quota.maxBytes ?? Math.floor(attainable * this.quota.fraction);
    this.measuredAtMs = performance.now();
  }
}
