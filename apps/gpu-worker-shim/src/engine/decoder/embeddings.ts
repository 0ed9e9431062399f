import type { InferenceSession } from 'onnxruntime-node';
import { floatsOf, int64Tensor } from '../onnx-session.js';

/** Embeddings of a whole vocabulary are kept when they are no more than this. */
const MAX_TABLE_BYTES = 64 * 2 ** 20;

/**
 * `embed_tokens`: ids to embeddings. Each token's is its own, so those of a small vocabulary are run once, at the start;
 * later a look-up here is done in microseconds, where a run of ONNX Runtime costs as much as a layer of a small model.
 */
export class Embeddings {
  private constructor(
    private readonly session: InferenceSession,
    private readonly hiddenSize: number,
    /** `[ids, hiddenSize]` from id 0 on; empty where it would be too large. */
    private readonly table: Float32Array,
  ) {}

  /** @param vocabularySize ids that are sampled; those of images may lie behind them. */
  static async open(
    session: InferenceSession,
    vocabularySize: number,
    hiddenSize: number,
  ): Promise<Embeddings> {
    const direct = new Embeddings(session, hiddenSize, new Float32Array());
    if (vocabularySize * hiddenSize * Float32Array.BYTES_PER_ELEMENT > MAX_TABLE_BYTES) return direct;
    const ids = Array.from({ length: vocabularySize }, (_, id) => id);
    // Logits may be padded to more entries than there are embeddings.
    const table = await direct.run(ids).catch(() => new Float32Array());
    return new Embeddings(session, hiddenSize, table);
  }

  /** `[tokens, hiddenSize]`, in memory that is the caller's. */
  async of(ids: readonly number[]): Promise<Float32Array> {
    const { table, hiddenSize } = this;
    const known = table.length / hiddenSize;
    if (ids.some((id) => id >= known)) return this.run(ids);
    const found = new Float32Array(ids.length * hiddenSize);
    for (const [at, id] of ids.entries()) {
      found.set(table.subarray(id * hiddenSize, (id + 1) * hiddenSize), at * hiddenSize);
    }
    return found;
  }

  async close(): Promise<void> {
    await this.session.release();
  }

  private async run(ids: readonly number[]): Promise<Float32Array> {
    const outputs = await this.session.run({ input_ids: int64Tensor(ids, [1, ids.length]) });
    return floatsOf(outputs, 'inputs_embeds');
  }
}
