import type { DecoderRow, KvCache } from '../decoder/decoder.js';
import type { GenerationRequest } from '../generation-request.js';
import type { Sequence } from '../sequence.js';
import type { Prefill } from './prefill.js';
import { isBefore, type Ordered, WaitingLine } from './waiting-line.js';

/** Sequences of one request that need a prefill: all of them at first, a single one after it had to make room. */
export interface Job extends Ordered {
  readonly request: GenerationRequest;
  /** Absent: they have not begun. */
  readonly sequences?: readonly Sequence[];
  /** The prompt, and behind it what has been generated. */
  readonly ids: Int32Array;
  /** Tokens that had been run before the prompt made room: what was asked of those behind them has been told. */
  readonly tokensTold?: number;
}

/** Lengths of the rows that a prompt becomes. */
export const rowLengths = ({ sequences, request, ids }: Job): number[] =>
  (sequences ?? request.choices).map(() => ids.length);

/** A prompt under way. */
export interface StartedPrompt<Cache extends KvCache, Row extends DecoderRow> {
  readonly sequences: readonly Sequence[];
  readonly prefill: Prefill<Cache, Row>;
}

/** A prompt that has a place: rows for all its choices, and room for their keys and values. */
export class PlacedPrompt<Cache extends KvCache, Row extends DecoderRow> implements Ordered {
  /** Absent: not begun yet. */
  started: StartedPrompt<Cache, Row> | undefined;

  /** @param tokensToRun as far as can be told before it begins */
  constructor(
    readonly job: Job,
    private readonly tokensToRun: number,
  ) {}

  get priority(): number {
    return this.job.priority;
  }

  get arrival(): number {
    return this.job.arrival;
  }

  get tokensLeft(): number {
    return this.started?.prefill.tokensLeft ?? this.tokensToRun;
  }

  get cachedTokens(): number {
    return this.started?.prefill.cachedTokens ?? 0;
  }
}

/**
 * Prompts that wait for a place, and those that have one and take turns. Whose turn it is is asked anew for every piece:
 * the first by priority, then arrival. All others stand meanwhile and go on where they were.
 *
 * A long prompt gives way to short ones of its own priority: when it had a piece in one turn, then in the next one those
 * with at most half as much left go before it, the shortest first. So it has at least every second turn and nobody
 * starves; and prompts of similar length run one after the other, so that the next finds the beginning it shares with
 * the last one. vLLM takes pieces in order of arrival and fills each pass with the next prompt's beginning. Here every piece
 * is a pass of its own, so none is cut to fill a turn.
 */
export class PromptQueue<Cache extends KvCache, Row extends DecoderRow> {
  private readonly waiting = new WaitingLine<Job>();
  private readonly placed = new WaitingLine<PlacedPrompt<Cache, Row>>();
  /** Arrival of the first one if it had a piece in this turn, and of the one that gives way for having had one before. */
  private served: number | undefined;
  private givingWay: number | undefined;

  get isEmpty(): boolean {
    return this.waiting.size === 0 && this.placed.size === 0;
  }

  get hasPlaced(): boolean {
    return this.placed.size > 0;
  }

  /** Tokens whose keys and values are held. */
  get cachedTokens(): number {
    return [...this.placed].reduce((sum, { cachedTokens }) => sum + cachedTokens, 0);
  }

  /** Lengths of the rows for which places are kept. */
  get rowLengths(): number[] {
    return [...this.placed].flatMap(({ job }) => rowLengths(job));
  }

  /** Who is next to get a place. */
  get firstWaiting(): Job | undefined {
    return this.waiting.first;
  }

  /** Who has a place and comes after all others that have one. */
  get lastPlaced(): PlacedPrompt<Cache, Row> | undefined {
    return this.placed.last;
  }

  add(job: Job): void {
    this.waiting.add(job);
  }

  cancel(id: number): void {
    this.waiting.remove(({ request }) => request.id === id);
    this.placed.remove(({ job }) => job.request.id === id);
  }

  /** The same as `rowLengths`, without those that come after the job. */
  rowLengthsBefore(job: Job): number[] {
    const before = [...this.placed].filter((prompt) => !isBefore(job, prompt));
    return before.flatMap((prompt) => rowLengths(prompt.job));
  }

  place(job: Job, tokensToRun: number): void {
    this.waiting.remove((other) => other === job);
    this.placed.add(new PlacedPrompt(job, tokensToRun));
  }

  /** Takes a prompt's place away: it has ended or failed. */
  remove(prompt: PlacedPrompt<Cache, Row>): void {
    this.placed.remove((other) => other === prompt);
  }

  /** Takes a prompt's place away, and what has been run of it; it waits for another one. */
  putBack(prompt: PlacedPrompt<Cache, Row>): void {
    this.remove(prompt);
    const { job, cachedTokens } = prompt;
    this.waiting.add({ ...job, tokensTold: Math.max(job.tokensTold ?? 0, cachedTokens) });
  }

  has(prompt: PlacedPrompt<Cache, Row>): boolean {
    return [...this.placed].includes(prompt);
  }

  startTurn(): void {
    this.givingWay = this.served;
    this.served = undefined;
  }

  /** Who has the next piece of this turn. */
  next(): PlacedPrompt<Cache, Row> | undefined {
    const { first } = this.placed;
    return first !== undefined && first.arrival === this.givingWay ? this.shortest(first) : first;
  }

  /** Must be told of each piece before it is run. */
  serve(prompt: PlacedPrompt<Cache, Row>): void {
    if (prompt === this.placed.first) this.served = prompt.arrival;
  }

  private shortest(first: PlacedPrompt<Cache, Row>): PlacedPrompt<Cache, Row> {
    const short = [...this.placed].filter(
      ({ priority, tokensLeft }) => priority === first.priority && 2 * tokensLeft <= first.tokensLeft,
    );
    return short.reduce((a, b) => (b.tokensLeft < a.tokensLeft ? b : a), short[0] ?? first);
  }
}
