import {
  Decoder,
  type DecoderResult,
  type DecoderStep,
  type KvCache,
  type StepResult,
  type TokenRun,
} from '../decoder/decoder.js';
import type { SequenceSettings } from '../sequence.js';
import type { TokenBytes } from '../text/token-text.js';

/** A cache that remembers what was fed. */
export interface FakeCache extends KvCache {
  readonly fed: readonly number[];
}

/** Token 0 ends an answer; the others are the letters after `a`. */
export const letters: TokenBytes = {
  size: 27,
  bytesOf: (id) => Uint8Array.of(96 + id),
  isSpecial: (id) => id === 0,
  longest: 1,
};

/** Greedy, without limits; the end token is 0. */
export const greedy: SequenceSettings = {
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
  repetitionPenalty: 1,
  logitBias: new Map(),
  seed: 1,
  stopTokenIds: [0],
  minTokens: 0,
  maxTokens: 1000,
  eosTokenIds: [0],
  ignoreEos: false,
  clientStopTokenIds: [],
  stop: [],
  includeStop: false,
  skipSpecialTokens: true,
};

/** Where a `FakeDecoder` can be told to fail. */
export type FakeStage = 'extend' | 'truncate' | 'join' | 'step' | 'cacheOf';

/** A running row of the fake. */
export class FakeRow {
  constructor(public fed: readonly number[]) {}

  get length(): number {
    return this.fed.length;
  }
}

/**
 * A scripted decoder: its embeddings are the ids themselves, and `next` gives the best token after what a sequence was
 * fed. It records the order of passes and knows which rows it holds. `fail` is asked before each stage, with what the
 * sequence was fed.
 */
export class FakeDecoder extends Decoder<FakeCache, FakeRow> {
  readonly vocabularySize = letters.size;
  readonly bytesPerToken = 1;
  readonly passes: string[] = [];
  readonly rows = new Set<FakeRow>();
  isClosed = false;
  fail: (stage: FakeStage, fed: readonly number[]) => void = () => undefined;

  constructor(
    private readonly next: (fed: readonly number[]) => number,
    readonly kvCacheTokens = 100_000,
  ) {
    super();
  }

  async extend(cache: FakeCache | undefined, run: TokenRun): Promise<DecoderResult<FakeCache>> {
    this.passes.push(`extend ${run.ids.length}`);
    const added = [...run.ids];
    for (const { at, embedding } of run.replaced) added[at] = embedding[0] ?? 0;
    const fed = [...(cache?.fed ?? []), ...added];
    this.fail('extend', fed);
    const result = { cache: { length: fed.length, fed }, logits: this.logitsAfter(fed) };
    if (run.wantsAllLogits !== true) return result;
    const allLogits = new Float32Array(run.ids.length * this.vocabularySize);
    for (const at of run.ids.keys()) {
      const known = fed.slice(0, fed.length - run.ids.length + at + 1);
      allLogits.set(this.logitsAfter(known), at * this.vocabularySize);
    }
    return { ...result, allLogits };
  }

  truncate({ fed }: FakeCache, length: number): FakeCache {
    this.fail('truncate', fed);
    return { length, fed: fed.slice(0, length) };
  }

  cacheOf({ fed }: FakeRow): FakeCache {
    this.fail('cacheOf', fed);
    return { length: fed.length, fed };
  }

  fits(lengths: readonly number[]): boolean {
    return lengths.reduce((sum, length) => sum + length + 1, 0) <= this.kvCacheTokens;
  }

  join({ fed }: FakeCache): FakeRow {
    this.fail('join', fed);
    const row = new FakeRow(fed);
    this.rows.add(row);
    return row;
  }

  async step(steps: readonly DecoderStep<FakeRow>[]): Promise<StepResult[]> {
    this.passes.push(`step ${steps.length}`);
    if (steps.some(({ row }) => !this.rows.has(row))) throw new Error('a row steps that is not held');
    const fed = steps.map(({ row, token }) => [...row.fed, token]);
    for (const one of fed) this.fail('step', one);
    for (const [at, { row }] of steps.entries()) row.fed = fed[at]!;
    return fed.map((one, at) => (steps[at]!.wantsLogits ? this.logitsAfter(one) : this.next(one)));
  }

  release(row: FakeRow): void {
    if (!this.rows.delete(row)) throw new Error('a row is released that is not held');
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  private logitsAfter(fed: readonly number[]): Float32Array {
    const logits = new Float32Array(this.vocabularySize);
    logits[this.next(fed)] = 10;
    return logits;
  }
}
