import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { floatsOf, int64Tensor, openSession, type SessionSettings, tensorFacts } from '../onnx-session.js';
import { Decoder, type DecoderResult, type DecoderRow, type KvCache } from './decoder.js';
import { type DecoderFacts, readDecoderFacts } from './graph-facts.js';

/** The tensors a step gave as `present.*`, under the names they are fed back by. */
export interface PresentCache extends KvCache {
  readonly tensors: Readonly<Record<string, Tensor>>;
}

export interface MergedDecoderFiles {
  readonly embedTokens: string;
  readonly decoder: string;
}

/**
 * A decoder in the layout of Hugging Face's ONNX exports: `embed_tokens` and `decoder_model_merged`, whose first call
 * gets an empty cache. The cache of each sequence is passed through from `present.*` to `past_key_values.*`.
 */
export class MergedDecoder extends Decoder<PresentCache> {
  readonly vocabularySize: number;
  readonly hiddenSize: number;

  private constructor(
    private readonly embedTokens: InferenceSession,
    private readonly decoder: InferenceSession,
    private readonly facts: DecoderFacts,
  ) {
    super();
    this.vocabularySize = facts.vocabularySize;
    this.hiddenSize = facts.hiddenSize;
  }

  /** Throws an `Error` that names the file when a graph cannot be loaded or needs what is not supported. */
  static async open(files: MergedDecoderFiles, settings: SessionSettings): Promise<MergedDecoder> {
    const decoder = await openSession(files.decoder, settings);
    const embedTokens = await openSession(files.embedTokens, settings);
    try {
      const facts = readDecoderFacts(tensorFacts(decoder.inputMetadata), tensorFacts(decoder.outputMetadata));
      return new MergedDecoder(embedTokens, decoder, facts);
    } catch (error) {
      throw new Error(`${files.decoder}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async embed(ids: readonly number[]): Promise<Float32Array> {
    const outputs = await this.embedTokens.run({ input_ids: int64Tensor(ids, [1, ids.length]) });
    return floatsOf(outputs, 'inputs_embeds');
  }

  async extend(
    cache: PresentCache | undefined,
    embeddings: Float32Array,
  ): Promise<DecoderResult<PresentCache>> {
    const { facts } = this;
    const count = embeddings.length / facts.hiddenSize;
    const past = cache?.length ?? 0;
    const feeds: Record<string, Tensor> = {
      ...(cache?.tensors ?? this.emptyCache()),
      inputs_embeds: new Tensor('float32', embeddings, [1, count, facts.hiddenSize]),
    };
    if (facts.takesAttentionMask) {
      feeds.attention_mask = int64Tensor(new Array(past + count).fill(1), [1, past + count]);
    }
    if (facts.takesPositions) {
      const positions = Array.from({ length: count }, (_, at) => past + at);
      feeds.position_ids = int64Tensor(positions, [1, count]);
    }
    if (facts.takesLogitsToKeep) feeds.num_logits_to_keep = int64Tensor([1], []);
    const outputs = await this.decoder.run(feeds);
    return {
      cache: { length: past + count, tensors: this.presentCache(outputs) },
      // Without `num_logits_to_keep` the graph gives a row for every token; only the last one matters.
      logits: floatsOf(outputs, 'logits').subarray(-facts.vocabularySize),
    };
  }

  async step(rows: readonly DecoderRow<PresentCache>[]): Promise<DecoderResult<PresentCache>[]> {
    const embeddings = await this.embed(rows.map((row) => row.token));
    const results: DecoderResult<PresentCache>[] = [];
    for (const [at, row] of rows.entries()) {
      const own = embeddings.subarray(at * this.hiddenSize, (at + 1) * this.hiddenSize);
      results.push(await this.extend(row.cache, own));
    }
    return results;
  }

  async close(): Promise<void> {
    await this.embedTokens.release();
    await this.decoder.release();
  }

  private emptyCache(): Record<string, Tensor> {
    return Object.fromEntries(
      this.facts.cache.map(({ past, type, heads, headSize }) => {
        const none = type === 'float16' ? new Uint16Array(0) : new Float32Array(0);
        return [past, new Tensor(type, none, [1, heads, 0, headSize])];
      }),
    );
  }

  private presentCache(outputs: InferenceSession.OnnxValueMapType): Record<string, Tensor> {
    return Object.fromEntries(
      this.facts.cache.map(({ past, present }) => {
        const tensor = outputs[present];
        if (!(tensor instanceof Tensor)) throw new Error(`The graph gave no "${present}".`);
        return [past, tensor];
      }),
    );
  }
}
