import type { Bucket } from './bucket.js';
import { keys } from './layout.js';

/** The bucket is measured again when the last measure is older; between, this process counts its own changes. */
const MEASURE_INTERVAL_MS = 60_000;

export interface Arrival {
  add(bytes: number): void;
  end(): void;
}

/** How full the store is. Other processes' finished writes are seen at the next measure. */
export class Usage {
  private storedBytes = 0;
  private arrivingBytes = 0;
  private measuredAtMs = Number.NEGATIVE_INFINITY;
  private measuring: Promise<void> | undefined;

  constructor(
    private readonly bucket: Bucket,
    readonly maxBytes: number,
  ) {}

  hasRoomFor(bytes: number): boolean {
    return this.storedBytes + this.arrivingBytes + bytes <= this.maxBytes;
  }

  /** Counts bytes of one put while they are not yet stored, until `end`. */
  arrival(): Arrival {
    let bytes = 0;
    return {
      add: (more) => {
        bytes += more;
        this.arrivingBytes += more;
      },
      end: () => {
        this.arrivingBytes -= bytes;
        bytes = 0;
      },
    };
  }

  /** Counts bytes stored (positive) or freed (negative) by this process. */
  change(bytes: number): void {
    this.storedBytes = Math.max(0, this.storedBytes + bytes);
  }

  /** Takes over what a full listing of the data found. */
  measured(storedBytes: number): void {
    this.storedBytes = storedBytes;
    this.measuredAtMs = performance.now();
  }

  /** Measures if there never was a measure; an old one is renewed in the background. */
  async refresh(): Promise<void> {
    if (performance.now() - this.measuredAtMs < MEASURE_INTERVAL_MS) return;
    this.measuring ??= this.measure().finally(() => {
      this.measuring = undefined;
    });
    if (this.measuredAtMs === Number.NEGATIVE_INFINITY) await this.measuring;
    // A failed renewal is tried again by the next put, which fails itself if S3 cannot be reached.
    else this.measuring.catch(() => {});
  }

  private async measure(): Promise<void> {
    let bytes = 0;
    for await (const object of this.bucket.list(keys.allData)) bytes += object.byteSize;
    this.measured(bytes);
  }
}
