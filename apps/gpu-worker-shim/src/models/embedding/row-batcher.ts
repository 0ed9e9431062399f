import type { EmbeddingRow } from './thread/embedding-protocol.js';

export interface BatchLimits {
  readonly maxRows: number;
  /** Rows × the longest of them, padding included; one row alone may be longer. */
  readonly maxTokens: number;
}

type Vector = Float32Array<ArrayBuffer>;

/** One request: its rows that still wait, shortest first, and the vectors that are there. */
interface Job {
  readonly waiting: { readonly row: EmbeddingRow; readonly index: number }[];
  readonly vectors: Vector[];
  missing: number;
  resolve(vectors: Vector[]): void;
  reject(error: unknown): void;
}

interface Picked {
  readonly job: Job;
  readonly row: EmbeddingRow;
  readonly index: number;
}

/** Up to here, padding costs less than a run of its own. */
const SHORT_TOKENS = 32;

/**
 * Puts the rows of all requests into batches. There is no waiting time: what arrives while a batch is computed forms
 * the next one. The request that leads a batch then goes to the end of the line, so a request of one text waits at most
 * for the batch that runs and one batch per request before it, however many texts those have.
 */
export class RowBatcher {
  private jobs: Job[] = [];
  private isRunning = false;
  private batch: readonly Picked[] = [];

  constructor(
    private readonly run: (rows: readonly EmbeddingRow[]) => Promise<readonly Vector[]>,
    private readonly limits: BatchLimits,
  ) {}

  /** Rows that are being computed. */
  get runningRows(): number {
    return this.batch.length;
  }

  /** Requests that have rows among them. */
  get runningJobs(): number {
    return new Set(this.batch.map(({ job }) => job)).size;
  }

  /** One vector per row. Rejects with what its own rows cause, or with the signal's reason. */
  async encode(rows: readonly EmbeddingRow[], signal: AbortSignal): Promise<Vector[]> {
    signal.throwIfAborted();
    let job: Job | undefined;
    const onAbort = () => job?.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await new Promise<Vector[]>((resolve, reject) => {
        const waiting = rows.map((row, index) => ({ row, index }));
        waiting.sort((one, other) => one.row.ids.length - other.row.ids.length);
        job = { waiting, vectors: [], missing: rows.length, resolve, reject };
        this.jobs.push(job);
        if (!this.isRunning) void this.runAll();
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.jobs = this.jobs.filter((one) => one !== job);
    }
  }

  private async runAll(): Promise<void> {
    this.isRunning = true;
    // Requests that arrive in the same turn of the loop share the first batch.
    await new Promise(setImmediate);
    for (;;) {
      this.batch = this.pick();
      if (this.batch.length === 0) break;
      await this.runBatch(this.batch);
    }
    this.isRunning = false;
  }

  /** The first request's next row, and rows of all others and its own that fit beside it. */
  private pick(): Picked[] {
    const picked: Picked[] = [];
    let took = true;
    while (took) {
      took = false;
      for (const job of this.jobs) {
        const next = job.waiting[0];
        if (next === undefined || !this.fits(picked, next.row)) continue;
        job.waiting.shift();
        picked.push({ job, ...next });
        took = true;
      }
    }
    const leader = picked[0]?.job;
    if (leader !== undefined) this.jobs = [...this.jobs.filter((job) => job !== leader), leader];
    return picked;
  }

  private fits(picked: readonly Picked[], row: EmbeddingRow): boolean {
    if (picked.length === 0) return true;
    if (picked.length >= this.limits.maxRows) return false;
    const lengths = [row, ...picked.map((one) => one.row)].map(({ ids }) => ids.length);
    const longest = Math.max(...lengths);
    if (lengths.length * longest > this.limits.maxTokens) return false;
    return longest <= Math.max(SHORT_TOKENS, 2 * Math.min(...lengths));
  }

  /** A batch that fails is run row by row, so that only those suffer whose rows fail. */
  private async runBatch(batch: readonly Picked[]): Promise<void> {
    try {
      settle(batch, await this.run(batch.map(({ row }) => row)));
    } catch (error) {
      if (batch.length === 1) batch[0]?.job.reject(error);
      else for (const one of batch) await this.runBatch([one]);
    }
  }
}

function settle(batch: readonly Picked[], vectors: readonly Vector[]): void {
  for (const [at, { job, index }] of batch.entries()) {
    const vector = vectors[at];
    if (vector === undefined)
      throw new Error(`The graph gave ${vectors.length} vectors for ${batch.length} rows.`);
    job.vectors[index] = vector;
    job.missing -= 1;
    if (job.missing === 0) job.resolve(job.vectors);
  }
}
