import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { floatsOf, int64Tensor, integersOf } from '../onnx-session.js';
import type { DecoderRow, DecoderStep, StepResult } from './decoder.js';
import { type DecoderGraph, kvOf, kvTensor } from './decoder-graph.js';
import { highestLogit } from './highest-logit.js';
import { KvPool, type PoolRow } from './kv-pool.js';
import type { BestToken } from './onnx/best-token.js';
import type { DeltaOutputs } from './onnx/delta-outputs.js';
import type { SequenceCache } from './sequence-cache.js';

/** Where running rows have their keys and values, and how they step. See `Decoder` for what the methods mean. */
export interface RowStore<Row extends DecoderRow> {
  fits(lengths: readonly number[]): boolean;
  join(cache: SequenceCache): Row;
  step(steps: readonly DecoderStep<Row>[]): Promise<StepResult[]>;
  release(row: Row): void;
  cacheOf(row: Row): SequenceCache;
}

/**
 * Rows in a slot pool, stepped together. Each row has its own length and stands at the left of its slot; the graph is
 * told by the mask. A graph of plain operators puts the new token behind the whole slot, so the mask has a hole between
 * a row's end and there; keys are already turned by their position, so their place does not matter.
 * `GroupQueryAttention` takes the number of ones for the row's length.
 */
export class PooledRows implements RowStore<PoolRow> {
  readonly pool: KvPool;

  constructor(
    private readonly graph: DecoderGraph,
    private readonly deltas: DeltaOutputs,
    maxTokens: number,
  ) {
    this.pool = new KvPool(graph.facts.cache, maxTokens);
  }

  fits(lengths: readonly number[]): boolean {
    return this.pool.fits(lengths);
  }

  join({ tensors, length }: SequenceCache): PoolRow {
    return this.pool.join(tensors, length);
  }

  release(row: PoolRow): void {
    this.pool.leave(row);
  }

  cacheOf(row: PoolRow): SequenceCache {
    return { length: row.length, tensors: this.pool.copy(row) };
  }

  async step(steps: readonly DecoderStep<PoolRow>[]): Promise<StepResult[]> {
    this.pool.makeRoom();
    const ordered = [...steps].sort((a, b) => a.row.slot - b.row.slot);
    const runs: DecoderStep<PoolRow>[][] = [];
    for (const step of ordered) {
      const run = runs.at(-1);
      if (run?.at(-1)?.row.slot === step.row.slot - 1) run?.push(step);
      else runs.push([step]);
    }
    const results = [];
    for (const run of runs) results.push(await this.runSlots(run));
    // Nothing is written before all have run: a step that fails has changed nothing.
    const found = new Map<PoolRow, StepResult>();
    for (const { rows, deltas, next } of results) {
      for (const [at, row] of rows.entries()) {
        this.pool.append(row, deltas, at);
        found.set(row, next[at]!);
      }
    }
    return steps.map(({ row }) => found.get(row)!);
  }

  /** Ones where a row may look: at its own tokens and at the new one. */
  private maskOf(lengths: readonly number[]): Tensor {
    const isGqa = this.deltas.attention === 'gqa';
    // GQA demands rotary tables as long as the mask is wide, so it is no wider than it has to be.
    const width = isGqa ? Math.max(...lengths) + 1 : this.pool.capacity + 1;
    const mask = new BigInt64Array(lengths.length * width);
    for (const [at, length] of lengths.entries()) {
      mask.fill(1n, at * width, at * width + length);
      mask[at * width + (isGqa ? length : width - 1)] = 1n;
    }
    return new Tensor('int64', mask, [lengths.length, width]);
  }

  /** One pass over neighbouring slots. */
  private async runSlots(steps: readonly DecoderStep<PoolRow>[]) {
    const { facts } = this.graph;
    const rows = steps.map(({ row }) => row);
    const lengths = rows.map(({ length }) => length);
    const first = rows[0]!.slot;
    const mask = this.maskOf(lengths);
    const feeds: Record<string, Tensor> = {
      ...(await this.graph.tokens(
        steps.map(({ token }) => token),
        rows.length,
      )),
      attention_mask: mask,
      position_ids: int64Tensor(lengths, [rows.length, 1]),
    };
    for (const [at, { past, heads, headSize }] of facts.cache.entries()) {
      const shape = [rows.length, heads, this.pool.capacity, headSize];
      feeds[past] = kvTensor(this.pool.slice(at, first, rows.length), shape);
    }
    const { best } = this.graph;
    const wanted = best === undefined || steps.some(({ wantsLogits }) => wantsLogits) ? undefined : best;
    const names = wanted === undefined ? ['logits'] : [wanted.block, wanted.logits];
    const outputs = await this.graph.run(feeds, [...names, ...this.deltas.names.values()]);
    return {
      rows,
      next: wanted === undefined ? this.logitsOf(outputs) : bestTokens(outputs, wanted),
      deltas: facts.cache.map(({ past }) => kvOf(outputs, this.deltas.names.get(past)!)),
    };
  }

  private logitsOf(outputs: InferenceSession.OnnxValueMapType): Float32Array[] {
    return rowsOf(floatsOf(outputs, 'logits'), this.graph.facts.vocabularySize);
  }
}

/** The rows of an array `[rows, size]`, where they lie. */
const rowsOf = (array: Float32Array, size: number): Float32Array[] =>
  Array.from({ length: array.length / size }, (_, at) => array.subarray(at * size, (at + 1) * size));

/** The id of each row's highest logit. Throws when one of them has none that is finite. */
function bestTokens(outputs: InferenceSession.OnnxValueMapType, best: BestToken): number[] {
  const blocks = integersOf(outputs, best.block);
  return rowsOf(floatsOf(outputs, best.logits), best.blockSize).map(
    (logits, at) => Number(blocks[at]) * best.blockSize + highestLogit(logits),
  );
}

/** A row whose cache is its own. */
export interface SeparateRow {
  readonly length: number;
  cache: SequenceCache;
}

/** Rows that step one after the other, each handing its whole cache through: for graphs that can do no better. */
export class SeparateRows implements RowStore<SeparateRow> {
  constructor(
    private readonly extend: (
      cache: SequenceCache,
      token: number,
    ) => Promise<{ cache: SequenceCache; logits: Float32Array }>,
    private readonly maxTokens: number,
  ) {}

  fits(lengths: readonly number[]): boolean {
    return lengths.reduce((sum, length) => sum + length + 1, 0) <= this.maxTokens;
  }

  join(cache: SequenceCache): SeparateRow {
    return {
      cache,
      get length() {
        return this.cache.length;
      },
    };
  }

  release(row: SeparateRow): void {
    row.cache = { length: 0, tensors: [] };
  }

  cacheOf(row: SeparateRow): SequenceCache {
    return row.cache;
  }

  async step(steps: readonly DecoderStep<SeparateRow>[]): Promise<Float32Array[]> {
    const results = [];
    for (const { row, token } of steps) results.push(await this.extend(row.cache, token));
    for (const [at, { cache }] of results.entries()) steps[at]!.row.cache = cache;
    return results.map(({ logits }) => logits);
  }
}
