import { FoveaError } from '@fovea/errors';
import type { Decoder, DecoderResult, DecoderRow, KvCache } from './decoder/decoder.js';
import type { GenerationRequest } from './generation-request.js';
import { PIECE_TOKENS, Prefill } from './prefill.js';
import { PrefixCache, type TokenPrefix } from './prefix-cache.js';
import { SamplerScratch } from './sampling/sampler.js';
import { Sequence, type SequencePiece } from './sequence.js';
import { nameGiven } from './text/name-logprob.js';
import type { TokenBytes } from './text/token-text.js';
import { isBefore, WaitingLine } from './waiting-line.js';

/** What the scheduler holds and has done. */
export interface SchedulerLoad {
  /** Sequences in decode steps. */
  readonly running: number;
  /** Tokens whose keys and values running sequences and a prompt under way hold. */
  readonly cachedTokens: number;
  /** Since the start: rows that had to make room for others and were run again later. */
  readonly preemptions: number;
  /** Since the start: prompt tokens that were looked up in the prefix cache, and that were found. */
  readonly prefixQueries: number;
  readonly prefixHits: number;
}

/** Everything one turn of the scheduler made known; it travels as one message. */
export interface Tick extends SchedulerLoad {
  readonly pieces: readonly (SequencePiece & { readonly id: number })[];
  readonly failures: readonly { readonly id: number; readonly error: FoveaError }[];
}

export interface SchedulerSettings {
  /** Sequences in decode steps at the same time. */
  readonly maxRunning: number;
  /** For keys and values that are kept after their sequences ended. 0: none. */
  readonly prefixCacheBytes: number;
}

/** Sequences of one request that need a prefill: all of them at first, a single one after it had to make room. */
interface Job {
  readonly request: GenerationRequest;
  readonly priority: number;
  readonly arrival: number;
  /** Absent: not admitted yet. */
  readonly sequences?: readonly Sequence[];
  /** The prompt, and behind it what has been generated. */
  readonly ids: Int32Array;
}

interface RunningRow<Row extends DecoderRow> {
  readonly job: Job;
  readonly sequence: Sequence;
  readonly row: Row;
}

interface ActivePrefill<Cache extends KvCache, Row extends DecoderRow> {
  readonly job: Job;
  readonly sequences: readonly Sequence[];
  readonly prefill: Prefill<Cache, Row>;
}

/**
 * Decides what the decoder does next: in turns, a piece of prompt of at most 128 tokens and one decode step of every
 * running row. So a prompt delays a running answer by one piece, and a cancelled request is gone before the next step.
 *
 * Requests are admitted by priority, then arrival, when there are rows for all their choices and room for their keys
 * and values; one that does not fit yet is not overtaken. Answers grow beyond what was known at admission: when the
 * KV cache is full, the row that would have come last makes room and is run again when it is its turn.
 */
export class Scheduler<Cache extends KvCache, Row extends DecoderRow> {
  private readonly waiting = new WaitingLine<Job>();
  private readonly prefixes: PrefixCache<Cache>;
  private active: ActivePrefill<Cache, Row> | undefined;
  private rows: RunningRow<Row>[] = [];
  /** Rows that left while the decoder was working on them. */
  private leaving: Row[] = [];
  private isInPass = false;
  private wasStep = true;
  private arrivals = 0;
  private preemptions = 0;
  private pieces: (SequencePiece & { id: number })[] = [];
  private failures: { id: number; error: FoveaError }[] = [];
  private readonly scratch: SamplerScratch;

  constructor(
    private readonly decoder: Decoder<Cache, Row>,
    private readonly tokens: TokenBytes,
    private readonly settings: SchedulerSettings,
  ) {
    this.scratch = new SamplerScratch(decoder.vocabularySize);
    this.prefixes = new PrefixCache(decoder, settings.prefixCacheBytes);
  }

  get hasWork(): boolean {
    return this.waiting.size > 0 || this.active !== undefined || this.rows.length > 0;
  }

  add(request: GenerationRequest): void {
    const ids = Int32Array.from([...request.prompt.ids, ...(request.answerIds ?? [])]);
    this.waiting.add({ request, priority: request.priority ?? 0, arrival: this.arrivals++, ids });
  }

  /** Forgets the request in whatever state it is; nothing more is said of it. Unknown ids are ignored. */
  cancel(id: number): void {
    this.waiting.remove(({ request }) => request.id === id);
    if (this.active?.job.request.id === id) this.active = undefined;
    for (const row of this.rows.filter(({ job }) => job.request.id === id)) this.leave(row);
  }

  /** One turn. Never throws: a failing forward pass fails the requests it was for. */
  async tick(): Promise<Tick> {
    const canPrompt = this.active !== undefined || this.nextJob() !== undefined;
    this.isInPass = true;
    // A prompt and a step take turns as long as there are both.
    this.wasStep = this.rows.length > 0 && !(canPrompt && this.wasStep);
    await (this.wasStep ? this.advanceRows() : this.advancePrompts());
    this.isInPass = false;
    this.releaseLeaving();
    const tick: Tick = { ...this.load(), pieces: this.pieces, failures: this.failures };
    this.pieces = [];
    this.failures = [];
    return tick;
  }

  private load(): SchedulerLoad {
    const { rows, active, preemptions, prefixes } = this;
    return {
      running: rows.length,
      cachedTokens: rows.reduce((sum, { row }) => sum + row.length, active?.prefill.cachedTokens ?? 0),
      preemptions,
      prefixQueries: prefixes.queries,
      prefixHits: prefixes.hits,
    };
  }

  private fits(added: number, length: number): boolean {
    return this.decoder.fits([
      ...this.rows.map(({ row }) => row.length),
      ...new Array<number>(added).fill(length),
    ]);
  }

  /** Who is next and has a place. */
  private nextJob(): Job | undefined {
    const job = this.waiting.first;
    if (job === undefined) return undefined;
    const { length } = job.sequences ?? job.request.choices;
    const isAlone = this.rows.length === 0 && this.active === undefined;
    const hasPlace =
      this.rows.length + length <= this.settings.maxRunning && this.fits(length, job.ids.length);
    return hasPlace || isAlone ? job : undefined;
  }

  /** As many pieces of as many prompts as there are tokens in one piece. */
  private async advancePrompts(): Promise<void> {
    for (let budget = PIECE_TOKENS; budget > 0; ) {
      this.active ??= this.admit();
      const { active } = this;
      if (active === undefined || active.prefill.nextTokens > budget) return;
      budget -= active.prefill.nextTokens;
      try {
        const result = await active.prefill.advance();
        // A cancel may have arrived during the pass.
        if (this.active !== active) continue;
        this.tellLogprobs(active);
        if (result === undefined) continue;
        this.active = undefined;
        this.start(active, result);
      } catch (error) {
        this.fail(active.job.request.id, error);
      }
    }
  }

  private admit(): ActivePrefill<Cache, Row> | undefined {
    const job = this.nextJob();
    if (job === undefined) return undefined;
    this.waiting.remove((other) => other === job);
    const { request, ids } = job;
    try {
      if (!this.fits((job.sequences ?? request.choices).length, ids.length)) {
        throw new FoveaError('INVALID_REQUEST', {
          message: `${request.choices.length} choices of this prompt do not fit the KV cache.`,
          param: 'n',
          limit: { name: 'kv_cache_tokens', value: this.decoder.kvCacheTokens },
        });
      }
      const sequences = job.sequences ?? this.createSequences(request);
      // After a sequence had to make room its prompt has been told of. What is cached has no logits any more.
      const alternatives = job.sequences === undefined ? request.promptLogprobs : undefined;
      const known = alternatives === undefined ? this.prefixes.find(this.prefixOf(job, ids)) : undefined;
      const prefill = new Prefill(request.prompt, ids, known, this.decoder, alternatives);
      return { job, sequences, prefill };
    } catch (error) {
      this.fail(request.id, error);
      return undefined;
    }
  }

  /** What the pieces of a prompt make known of it goes out with each of them, so nothing grows with the prompt. */
  private tellLogprobs({ job, prefill }: ActivePrefill<Cache, Row>): void {
    const told = prefill.takeLogprobs();
    if (told.length === 0) return;
    const promptLogprobs = told.map((one) => one && nameGiven(one, this.tokens));
    const nothing = { index: 0, text: '', tokenIds: [], completionTokens: 0 };
    this.pieces.push({ ...nothing, promptLogprobs, id: job.request.id });
  }

  private createSequences({ choices, prompt, answerIds = [] }: GenerationRequest): Sequence[] {
    return choices.map((settings, index) => {
      const sequence = new Sequence(index, settings, prompt.ids, this.tokens, this.scratch);
      sequence.resume(answerIds);
      return sequence;
    });
  }

  private prefixOf({ request }: Job, ids: Int32Array): TokenPrefix {
    const { imageTokenId, images } = request.prompt;
    return { ids, imageTokenId, images, salt: request.cacheSalt ?? '' };
  }

  /** The prompt has been run: every choice gets its first token and, unless that ends it, a row. */
  private start(
    { job, sequences }: ActivePrefill<Cache, Row>,
    { cache, logits }: DecoderResult<Cache>,
  ): void {
    this.prefixes.put(this.prefixOf(job, job.ids), cache);
    for (const sequence of sequences) {
      this.pieces.push({ ...sequence.accept(logits), id: job.request.id });
      if (sequence.hasEnded) continue;
      if (this.fits(1, cache.length)) {
        this.rows = [...this.rows, { job, sequence, row: this.decoder.join(cache) }];
      } else {
        this.park(job, sequence);
      }
    }
  }

  /** Lets a sequence wait for another turn; its tokens are run again then. */
  private park(job: Job, sequence: Sequence): void {
    this.preemptions += 1;
    const ids = Int32Array.from([...job.request.prompt.ids, ...sequence.answerIds]);
    this.waiting.add({ ...job, sequences: [sequence], ids });
  }

  private makeRoom(): void {
    while (this.rows.length > 1 && !this.fits(0, 0)) {
      const last = this.rows.reduce((a, b) => (isBefore(a.job, b.job) ? b : a));
      this.leave(last);
      this.releaseLeaving();
      this.park(last.job, last.sequence);
    }
  }

  private async advanceRows(): Promise<void> {
    this.makeRoom();
    const rows = this.rows;
    try {
      await this.step(rows);
    } catch (error) {
      if (rows.length === 1) return this.fail(rows[0]!.job.request.id, error);
      // One by one: those that can go on do, whatever it is that one of them is failing of.
      for (const row of rows) {
        if (!this.rows.includes(row)) continue;
        await this.step([row]).catch((own: unknown) => this.fail(row.job.request.id, own));
        // What a failed row held may be what the next one needs.
        this.releaseLeaving();
      }
    }
  }

  private async step(rows: readonly RunningRow<Row>[]): Promise<void> {
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
        this.pieces.push({ ...row.sequence.accept(results[at]!), id: row.job.request.id });
        if (row.sequence.hasEnded) this.finish(row);
      } catch (error) {
        this.fail(row.job.request.id, error);
      }
    }
  }

  /** An answer has ended. What was run for it may be the beginning of the next prompt of its conversation. */
  private finish(row: RunningRow<Row>): void {
    const { job, sequence } = row;
    const all = Int32Array.from([...job.request.prompt.ids, ...sequence.answerIds]);
    // The last token has not been fed.
    const prefix = this.prefixOf(job, all.subarray(0, row.row.length));
    if (sequence.index === 0 && !this.prefixes.has(prefix)) {
      this.prefixes.put(prefix, this.decoder.cacheOf(row.row));
    }
    this.leave(row);
  }

  private leave(row: RunningRow<Row>): void {
    this.rows = this.rows.filter((other) => other !== row);
    if (this.isInPass) this.leaving.push(row.row);
    else this.decoder.release(row.row);
  }

  private releaseLeaving(): void {
    for (const row of this.leaving.splice(0)) this.decoder.release(row);
  }

  private fail(id: number, error: unknown): void {
    this.cancel(id);
    if (this.failures.some((failure) => failure.id === id)) return;
    this.failures.push({ id, error: FoveaError.from(error) });
  }
}
