import { FoveaError } from '@fovea/errors';
import type { Decoder, KvCache } from './decoder/decoder.js';
import type { GenerationRequest } from './generation-request.js';
import { Prefill } from './prefill.js';
import { SamplerScratch } from './sampling/sampler.js';
import { Sequence, type SequencePiece } from './sequence.js';
import type { TokenBytes } from './text/token-text.js';

/** Everything one turn of the scheduler made known; it travels as one message. */
export interface Tick {
  readonly pieces: readonly (SequencePiece & { readonly id: number })[];
  readonly failures: readonly { readonly id: number; readonly error: FoveaError }[];
  readonly running: number;
  /** Tokens whose keys and values are held. */
  readonly cachedTokens: number;
}

interface Row<Cache extends KvCache> {
  readonly id: number;
  readonly sequence: Sequence;
  cache: Cache;
}

/**
 * Decides what the decoder does next. One turn: admit in order of arrival while there is room for all choices of a
 * request, prefill one piece of one prompt, then one decode step of every running row. So a long prompt delays a
 * running answer by one piece, and a cancelled request is gone before the next step.
 */
export class Scheduler<Cache extends KvCache> {
  private readonly waiting: GenerationRequest[] = [];
  private prefill: Prefill<Cache> | undefined;
  private rows: Row<Cache>[] = [];
  private pieces: (SequencePiece & { id: number })[] = [];
  private failures: { id: number; error: FoveaError }[] = [];
  private readonly scratch: SamplerScratch;

  constructor(
    private readonly decoder: Decoder<Cache>,
    private readonly tokens: TokenBytes,
    private readonly maxRunning: number,
  ) {
    this.scratch = new SamplerScratch(decoder.vocabularySize);
  }

  get hasWork(): boolean {
    return this.waiting.length > 0 || this.prefill !== undefined || this.rows.length > 0;
  }

  add(request: GenerationRequest): void {
    this.waiting.push(request);
  }

  /** Forgets the request in whatever state it is; nothing more is said of it. Unknown ids are ignored. */
  cancel(id: number): void {
    const at = this.waiting.findIndex((request) => request.id === id);
    if (at !== -1) this.waiting.splice(at, 1);
    if (this.prefill?.request.id === id) this.prefill = undefined;
    this.rows = this.rows.filter((row) => row.id !== id);
  }

  /** One turn. Never throws: a failing forward pass fails the requests it was for. */
  async tick(): Promise<Tick> {
    const running = this.rows;
    await this.advancePrompts();
    await this.advanceRows(running);
    const tick: Tick = {
      pieces: this.pieces,
      failures: this.failures,
      running: this.rows.length,
      cachedTokens: this.rows.reduce((sum, row) => sum + row.cache.length, this.prefill?.cachedTokens ?? 0),
    };
    this.pieces = [];
    this.failures = [];
    return tick;
  }

  private async advancePrompts(): Promise<void> {
    const next = this.waiting[0];
    if (this.prefill === undefined && next !== undefined) {
      if (this.rows.length + next.choices.length > this.maxRunning) return;
      this.waiting.shift();
      this.prefill = new Prefill(next, this.decoder);
    }
    const { prefill } = this;
    if (prefill === undefined) return;
    try {
      const done = await prefill.advance();
      // A cancel may have arrived during the pass.
      if (done === undefined || this.prefill !== prefill) return;
      this.prefill = undefined;
      for (const [index, settings] of prefill.request.choices.entries()) {
        const { ids } = prefill.request.prompt;
        const sequence = new Sequence(index, settings, ids, this.tokens, this.scratch);
        const row = { id: prefill.request.id, sequence, cache: done.cache };
        if (!this.accept(row, done.logits, true)) break;
      }
    } catch (error) {
      if (this.prefill === prefill) this.prefill = undefined;
      this.fail(prefill.request.id, error);
    }
  }

  private async advanceRows(running: readonly Row<Cache>[]): Promise<void> {
    const rows = running.filter((row) => this.rows.includes(row));
    if (rows.length === 0) return;
    try {
      const results = await this.decoder.step(
        rows.map((row) => ({ cache: row.cache, token: row.sequence.lastToken })),
      );
      for (const [at, row] of rows.entries()) {
        const result = results[at];
        if (result === undefined || !this.rows.includes(row)) continue;
        row.cache = result.cache;
        this.accept(row, result.logits, false);
      }
    } catch (error) {
      for (const id of new Set(rows.map((row) => row.id))) this.fail(id, error);
    }
  }

  /** Samples a row's next token. False when that failed, and with it the whole request. */
  private accept(row: Row<Cache>, logits: Float32Array, isNew: boolean): boolean {
    try {
      this.pieces.push({ ...row.sequence.accept(logits), id: row.id });
    } catch (error) {
      this.fail(row.id, error);
      return false;
    }
    if (row.sequence.hasEnded) this.rows = this.rows.filter((other) => other !== row);
    else if (isNew) this.rows = [...this.rows, row];
    return true;
  }

  private fail(id: number, error: unknown): void {
    this.cancel(id);
    if (this.failures.some((failure) => failure.id === id)) return;
    this.failures.push({ id, error: FoveaError.from(error) });
  }
}
