import { FoveaError } from '@fovea/errors';
import type { Decoder, DecoderResult, DecoderRow, KvCache, StepResult } from '../decoder/decoder.js';
import type { GenerationRequest } from '../generation-request.js';
import type { Sequence, SequencePiece } from '../sequence.js';
import { nameGiven } from '../text/name-logprob.js';
import type { TokenBytes } from '../text/token-text.js';
import { PIECE_TOKENS, type Prefill } from './prefill.js';
import { PromptBeginnings } from './prompt-beginnings.js';
import { type Job, type PlacedPrompt, PromptQueue, rowLengths } from './prompt-queue.js';
import { type RunningRow, RunningRows } from './running-rows.js';
import { isBefore } from './waiting-line.js';

/** What the scheduler holds and has done. */
export interface SchedulerLoad {
  /** Sequences in decode steps. */
  readonly running: number;
  /** Tokens whose keys and values running sequences and prompts under way hold. */
  readonly cachedTokens: number;
  /** Since the start: rows and begun prompts that had to make room for others and were run again later. */
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

/**
 * Decides what the decoder does next: in turns, at most 128 tokens of prompts and one decode step of every running row.
 * So prompts delay a running answer by one such turn, and a cancelled request is gone before the next pass. Among prompts
 * `PromptQueue` says whose turn it is.
 *
 * Places are given by priority, then arrival, to prompts with rows for all their choices and room for their keys and
 * values; one that does not fit yet is not overtaken. It takes the places of those behind it that have not ended their
 * prompts, if that is enough; rows it leaves alone. Answers grow beyond what was known then: when the KV cache is full,
 * the row or prompt that would have come last makes room and is run again when it is its turn.
 */
export class Scheduler<Cache extends KvCache, Row extends DecoderRow> {
  private readonly prompts = new PromptQueue<Cache, Row>();
  private readonly rows: RunningRows<Cache, Row>;
  private readonly beginnings: PromptBeginnings<Cache, Row>;
  private wasStep = true;
  private arrivals = 0;
  private preemptions = 0;
  private pieces: (SequencePiece & { id: number })[] = [];
  private failures: { id: number; error: FoveaError }[] = [];

  constructor(
    private readonly decoder: Decoder<Cache, Row>,
    private readonly tokens: TokenBytes,
    private readonly settings: SchedulerSettings,
  ) {
    this.rows = new RunningRows(decoder);
    this.beginnings = new PromptBeginnings(decoder, tokens, settings.prefixCacheBytes);
  }

  get hasWork(): boolean {
    return !this.prompts.isEmpty || this.rows.size > 0;
  }

  add(request: GenerationRequest): void {
    const ids = Int32Array.from([...request.prompt.ids, ...(request.answerIds ?? [])]);
    this.prompts.add({ request, priority: request.priority ?? 0, arrival: this.arrivals++, ids });
  }

  /** Forgets the request in whatever state it is; nothing more is said of it. Unknown ids are ignored. */
  cancel(id: number): void {
    this.prompts.cancel(id);
    this.rows.cancel(id);
  }

  /** One turn. Never throws: a failing forward pass fails the requests it was for. */
  async tick(): Promise<Tick> {
    this.makeRoom();
    this.admit();
    // Prompts and a step take turns as long as there are both.
    this.wasStep = this.rows.size > 0 && !(this.prompts.hasPlaced && this.wasStep);
    await (this.wasStep ? this.advanceRows() : this.advancePrompts());
    const tick: Tick = { ...this.load(), pieces: this.pieces, failures: this.failures };
    this.pieces = [];
    this.failures = [];
    return tick;
  }

  private load(): SchedulerLoad {
    const { rows, prompts, preemptions } = this;
    return {
      running: rows.size,
      cachedTokens: rows.lengths.reduce((sum, length) => sum + length, prompts.cachedTokens),
      preemptions,
      ...this.beginnings.counts,
    };
  }

  /** Those who come last make room until all the others fit. */
  private makeRoom(): void {
    const { rows, prompts } = this;
    for (;;) {
      const lengths = [...rows.lengths, ...prompts.rowLengths];
      if (lengths.length <= 1 || this.decoder.fits(lengths)) return;
      const { last: row } = rows;
      const { lastPlaced: prompt } = prompts;
      if (prompt !== undefined && (row === undefined || !isBefore(prompt, row.job))) this.putBack(prompt);
      else if (row !== undefined) this.preempt(row);
    }
  }

  /** Gives places, in order, to those for whom there are some. */
  private admit(): void {
    const { prompts } = this;
    for (let job = prompts.firstWaiting; job !== undefined; job = prompts.firstWaiting) {
      if (!this.decoder.fits(rowLengths(job))) {
        this.fail(job.request.id, this.tooLarge(job));
        continue;
      }
      // Nobody gives up a place in vain.
      if (!this.hasPlace(job, prompts.rowLengthsBefore(job))) return;
      while (!this.hasPlace(job, prompts.rowLengths)) this.putBack(prompts.lastPlaced!);
      prompts.place(job, this.beginnings.tokensToRun(job));
    }
  }

  /** Is there a place beside the rows and those prompts that become rows of such lengths? */
  private hasPlace(job: Job, placed: readonly number[]): boolean {
    const others = [...this.rows.lengths, ...placed];
    const all = [...others, ...rowLengths(job)];
    return others.length === 0 || (all.length <= this.settings.maxRunning && this.decoder.fits(all));
  }

  private tooLarge({ request }: Job): FoveaError {
    return new FoveaError('INVALID_REQUEST', {
      message: `${request.choices.length} choices of this prompt do not fit the KV cache.`,
      param: 'n',
      limit: { name: 'kv_cache_tokens', value: this.decoder.kvCacheTokens },
    });
  }

  /** As many pieces of as many prompts as there are tokens in one piece. */
  private async advancePrompts(): Promise<void> {
    this.prompts.startTurn();
    for (let budget = PIECE_TOKENS; budget > 0; this.admit()) {
      const prompt = this.prompts.next();
      if (prompt === undefined) return;
      try {
        prompt.started ??= this.beginnings.begin(prompt.job);
        const { prefill, sequences } = prompt.started;
        if (prefill.nextTokens > budget) return;
        budget -= prefill.nextTokens;
        this.prompts.serve(prompt);
        const result = await prefill.advance();
        // A cancel may have arrived during the pass.
        if (!this.prompts.has(prompt)) continue;
        this.tellLogprobs(prompt.job, prefill);
        if (result === undefined) continue;
        this.prompts.remove(prompt);
        this.start(prompt.job, sequences, result);
      } catch (error) {
        this.fail(prompt.job.request.id, error);
      }
    }
  }

  /** What the pieces of a prompt make known of it goes out with each of them, so nothing grows with the prompt. */
  private tellLogprobs({ request }: Job, prefill: Prefill<Cache, Row>): void {
    const told = prefill.takeLogprobs();
    if (told.length === 0) return;
    const promptLogprobs = told.map((one) => one && nameGiven(one, this.tokens));
    const nothing = { index: 0, text: '', tokenIds: [], completionTokens: 0 };
    this.pieces.push({ ...nothing, promptLogprobs, id: request.id });
  }

  /** The prompt has been run: every choice gets its first token and, unless that ends it, the row that was kept for it. */
  private start(job: Job, sequences: readonly Sequence[], { cache, logits }: DecoderResult<Cache>): void {
    this.beginnings.keep(job, () => cache);
    for (const sequence of sequences) {
      this.pieces.push({ ...sequence.accept(logits), id: job.request.id });
      if (!sequence.hasEnded) this.rows.join(job, sequence, cache);
    }
  }

  private async advanceRows(): Promise<void> {
    await this.rows.step({
      accept: (row, result) => this.accept(row, result),
      fail: ({ job }, error) => this.fail(job.request.id, error),
    });
  }

  private accept(row: RunningRow<Row>, result: StepResult): void {
    this.pieces.push({ ...row.sequence.accept(result), id: row.job.request.id });
    if (row.sequence.hasEnded) this.finish(row);
  }

  /** An answer has ended. What was run for it may be the beginning of the next prompt of its conversation. */
  private finish(row: RunningRow<Row>): void {
    const { job, sequence } = row;
    if (sequence.index === 0) {
      const all = Int32Array.from([...job.request.prompt.ids, ...sequence.answerIds]);
      // The last token has not been fed.
      this.beginnings.keep(job, () => this.decoder.cacheOf(row.row), all.subarray(0, row.row.length));
    }
    this.rows.leave(row);
  }

  /** Lets a sequence wait for another turn; its tokens are run again then. */
  private preempt(row: RunningRow<Row>): void {
    const { job, sequence } = row;
    this.preemptions += 1;
    this.rows.leave(row);
    const ids = Int32Array.from([...job.request.prompt.ids, ...sequence.answerIds]);
    this.prompts.add({ ...job, sequences: [sequence], ids });
  }

  /** Lets a prompt wait for another place; what has been run of it is lost unless prefixes are kept. */
  private putBack(prompt: PlacedPrompt<Cache, Row>): void {
    const { job, started, cachedTokens } = prompt;
    const known = started?.prefill.known;
    if (known !== undefined) {
      this.preemptions += 1;
      this.beginnings.keep(job, () => known, job.ids.subarray(0, cachedTokens));
    }
    this.prompts.putBack(prompt);
  }

  private fail(id: number, error: unknown): void {
    this.cancel(id);
    if (this.failures.some((failure) => failure.id === id)) return;
    this.failures.push({ id, error: FoveaError.from(error) });
  }
}
