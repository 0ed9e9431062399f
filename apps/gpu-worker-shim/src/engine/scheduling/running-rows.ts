import type { Decoder, DecoderRow, KvCache, StepResult } from '../decoder/decoder.js';
import type { Sequence } from '../sequence.js';
import type { Job } from './prompt-queue.js';
import { isBefore } from './waiting-line.js';

/** A sequence in decode steps. */
export interface RunningRow<Row extends DecoderRow> {
  readonly job: Job;
  readonly sequence: Sequence;
  readonly row: Row;
}

/** What becomes of a step, row by row; a result is valid only during the call. */
export interface StepOutcome<Row extends DecoderRow> {
  accept(row: RunningRow<Row>, result: StepResult): void;
  fail(row: RunningRow<Row>, error: unknown): void;
}

/** The sequences in decode steps. They join and leave at any time; what a step works on is released behind it. */
export class RunningRows<Cache extends KvCache, Row extends DecoderRow> {
  private rows: readonly RunningRow<Row>[] = [];
  /** Rows that left while the decoder was working on them. */
  private leaving: Row[] = [];
  private isInStep = false;

  constructor(private readonly decoder: Decoder<Cache, Row>) {}

  get size(): number {
    return this.rows.length;
  }

  /** Tokens that each row holds. */
  get lengths(): number[] {
    return this.rows.map(({ row }) => row.length);
  }

  /** Who comes after all others. */
  get last(): RunningRow<Row> | undefined {
    return this.rows.reduce<RunningRow<Row> | undefined>(
      (last, row) => (last === undefined || !isBefore(row.job, last.job) ? row : last),
      undefined,
    );
  }

  join(job: Job, sequence: Sequence, cache: Cache): void {
    this.rows = [...this.rows, { job, sequence, row: this.decoder.join(cache) }];
  }

  cancel(id: number): void {
    for (const row of this.rows.filter(({ job }) => job.request.id === id)) this.leave(row);
  }

  leave(row: RunningRow<Row>): void {
    this.rows = this.rows.filter((other) => other !== row);
    if (this.isInStep) this.leaving.push(row.row);
    else this.decoder.release(row.row);
  }

  /** One token for every row. Never throws: where all together fail, those that can go on alone do. */
  async step(outcome: StepOutcome<Row>): Promise<void> {
    const { rows } = this;
    this.isInStep = true;
    try {
      await this.run(rows, outcome);
    } catch (error) {
      if (rows.length === 1) outcome.fail(rows[0]!, error);
      else await this.stepOneByOne(rows, outcome);
    }
    this.isInStep = false;
    this.releaseLeaving();
  }

  private async stepOneByOne(rows: readonly RunningRow<Row>[], outcome: StepOutcome<Row>): Promise<void> {
    for (const row of rows) {
      if (!this.rows.includes(row)) continue;
      await this.run([row], outcome).catch((error: unknown) => outcome.fail(row, error));
      // What a failed row held may be what the next one needs.
      this.releaseLeaving();
    }
  }

  private async run(rows: readonly RunningRow<Row>[], outcome: StepOutcome<Row>): Promise<void> {
    const results = await this.decoder.step(
      rows.map(({ row, sequence }) => {
        const { answerIds, wantsLogits } = sequence;
        return { row, token: answerIds.at(-1)!, wantsLogits };
      }),
    );
    for (const [at, row] of rows.entries()) {
      // A cancel may have arrived during the pass.
      if (!this.rows.includes(row)) continue;
      try {
        outcome.accept(row, results[at]!);
      } catch (error) {
        outcome.fail(row, error);
      }
    }
  }

  private releaseLeaving(): void {
    for (const row of this.leaving.splice(0)) this.decoder.release(row);
  }
}
