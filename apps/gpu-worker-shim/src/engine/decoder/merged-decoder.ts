import { Tensor } from 'onnxruntime-node';
import { floatsOf, int64Tensor, type SessionSettings } from '../onnx-session.js';
import {
  Decoder,
  type DecoderResult,
  type DecoderRow,
  type DecoderStep,
  type StepResult,
  type TokenRun,
} from './decoder.js';
import { type DecoderFiles, DecoderGraph, kvOf, kvTensor } from './decoder-graph.js';
import { floorToBucket, newArray } from './kv-pool.js';
import { PooledRows, type RowStore, SeparateRows } from './row-store.js';
import { extendCache, type SequenceCache, truncateCache } from './sequence-cache.js';

export interface MergedDecoderSettings extends SessionSettings {
  /** For keys and values of all running rows. */
  readonly kvCacheBytes: number;
}

const bytesPerElement = { float32: 4, float16: 2 } as const;

/**
 * A decoder in the layout of Hugging Face's ONNX exports: `decoder_model_merged`, whose first call gets an empty cache,
 * behind `embed_tokens`; or one graph that takes `input_ids`.
 */
export class MergedDecoder extends Decoder<SequenceCache, DecoderRow> {
  readonly vocabularySize: number;
  readonly kvCacheTokens: number;
  readonly bytesPerToken: number;
  private rows: RowStore<DecoderRow>;

  private constructor(
    private readonly graph: DecoderGraph,
    kvCacheBytes: number,
  ) {
    super();
    const { facts, deltas } = graph;
    this.vocabularySize = facts.vocabularySize;
    this.bytesPerToken = facts.cache.reduce(
      (sum, { type, heads, headSize }) => sum + heads * headSize * bytesPerElement[type],
      0,
    );
    this.kvCacheTokens = floorToBucket(kvCacheBytes / this.bytesPerToken);
    this.rows =
      deltas === undefined ? this.separateRows() : new PooledRows(graph, deltas, this.kvCacheTokens);
  }

  /** Throws an `Error` that names the file when a graph cannot be loaded or needs what is not supported. */
  static async open(files: DecoderFiles, settings: MergedDecoderSettings): Promise<MergedDecoder> {
    return new MergedDecoder(await DecoderGraph.open(files, settings), settings.kvCacheBytes);
  }

  /** Floats of an embedding; undefined where the graph looks embeddings up itself. */
  get hiddenSize(): number | undefined {
    return this.graph.facts.hiddenSize;
  }

  /** Do rows step in one pass? */
  get isBatched(): boolean {
    return this.rows instanceof PooledRows;
  }

  /** Lets rows step one after the other from now on. There must be none. */
  stopBatching(): void {
    this.rows = this.separateRows();
  }

  async extend(cache: SequenceCache | undefined, run: TokenRun): Promise<DecoderResult<SequenceCache>> {
    const { facts } = this.graph;
    const past = cache?.length ?? 0;
    const length = past + run.ids.length;
    const feeds: Record<string, Tensor> = {
      ...(await this.graph.tokens(run.ids, 1, (embeddings, hiddenSize) => {
        for (const { at, embedding } of run.replaced) embeddings.set(embedding, at * hiddenSize);
      })),
      attention_mask: new Tensor('int64', new BigInt64Array(length).fill(1n), [1, length]),
      position_ids: int64Tensor(
        Array.from(run.ids, (_, at) => past + at),
        [1, run.ids.length],
      ),
    };
    for (const [at, tensor] of facts.cache.entries()) {
      const data = cache?.tensors[at] ?? newArray(tensor.type, 0);
      feeds[tensor.past] = kvTensor(data, [1, tensor.heads, past, tensor.headSize]);
    }
    const { deltas } = this.graph;
    const names = facts.cache.map(({ past: name, present }) => deltas?.runNames.get(name) ?? present);
    const wantsAll = run.wantsAllLogits === true;
    const outputs = await this.graph.run(feeds, ['logits', ...names], wantsAll ? run.ids.length : 1);
    const logits = floatsOf(outputs, 'logits');
    const tensors = names.map((name) => kvOf(outputs, name));
    return {
      cache:
        deltas === undefined ? { length, tensors } : extendCache(facts.cache, cache, tensors, run.ids.length),
      // Without `num_logits_to_keep` the graph gives a row for every token; only the last one matters.
      logits: logits.subarray(-facts.vocabularySize),
      ...(wantsAll && { allLogits: logits }),
    };
  }

  cacheOf(row: DecoderRow): SequenceCache {
    return this.rows.cacheOf(row);
  }

  truncate(cache: SequenceCache, length: number): SequenceCache {
    return truncateCache(this.graph.facts.cache, cache, length);
  }

  fits(lengths: readonly number[]): boolean {
    return this.rows.fits(lengths);
  }

  join(cache: SequenceCache): DecoderRow {
    return this.rows.join(cache);
  }

  step(steps: readonly DecoderStep<DecoderRow>[]): Promise<StepResult[]> {
    return this.rows.step(steps);
  }

  release(row: DecoderRow): void {
    this.rows.release(row);
  }

  async close(): Promise<void> {
    await this.graph.close();
  }

  private separateRows(): RowStore<DecoderRow> {
    return new SeparateRows(
      (cache, token) => this.extend(cache, { ids: [token], replaced: [] }),
      this.kvCacheTokens,
    );
  }
}
