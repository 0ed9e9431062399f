import type { Decoder, DecoderResult, DecoderRow, KvCache, TokenRun } from '../decoder/decoder.js';
import type { Prompt } from '../generation-request.js';
import { type GivenLogprobs, givenLogprobs } from '../sampling/logprobs.js';

/** Bounds how long a prompt keeps running answers waiting: about 0.3 s per piece for a 135 M model on two cores. */
export const PIECE_TOKENS = 128;

/** Runs one prompt through the decoder, a piece at a time, from where a cached beginning ends. */
export class Prefill<Cache extends KvCache, Row extends DecoderRow> {
  private position: number;
  private imageTokens: number;
  private logprobs: (GivenLogprobs | null)[] = [];

  /**
   * @param ids the prompt's and behind them, when an answer goes on, the answer's so far
   * @param cache the first tokens of `ids`, already run; fewer than all
   * @param alternatives how many alternatives to each of `ids`; absent: none, and nothing is said of them
   * @param tokensTold of how many tokens, run before and not kept, what is behind them has been told
   */
  constructor(
    private readonly prompt: Prompt,
    private readonly ids: Int32Array,
    private cache: Cache | undefined,
    private readonly decoder: Decoder<Cache, Row>,
    private readonly alternatives?: number,
    private readonly tokensTold = 0,
  ) {
    this.position = cache?.length ?? 0;
    const known = ids.subarray(0, Math.min(this.position, prompt.ids.length));
    this.imageTokens = known.reduce((sum, id) => sum + (id === prompt.imageTokenId ? 1 : 0), 0);
  }

  get cachedTokens(): number {
    return this.position;
  }

  get tokensLeft(): number {
    return this.ids.length - this.position;
  }

  /** Tokens of the next piece. */
  get nextTokens(): number {
    return Math.min(PIECE_TOKENS, this.tokensLeft);
  }

  /** What has been run so far. */
  get known(): Cache | undefined {
    return this.cache;
  }

  /**
   * What the model thought of the tokens behind those that have been told of, from the second one on; null for a token of
   * an image, which it does not write.
   */
  takeLogprobs(): readonly (GivenLogprobs | null)[] {
    return this.logprobs.splice(0);
  }

  /** Runs the next piece. Gives the result of the whole prompt with the last one, else undefined. */
  async advance(): Promise<DecoderResult<Cache> | undefined> {
    const ids = [...this.ids.subarray(this.position, this.position + PIECE_TOKENS)];
    const wantsAllLogits = this.alternatives !== undefined;
    const replaced = this.imagesOf(ids);
    const result = await this.decoder.extend(this.cache, { ids, replaced, wantsAllLogits });
    if (result.allLogits !== undefined) this.judge(result.allLogits, this.alternatives ?? 0);
    this.cache = result.cache;
    this.position += ids.length;
    return this.position < this.ids.length ? undefined : result;
  }

  /** Keeps what the logits of one piece say of the tokens behind each of its own; the logits themselves are let go. */
  private judge(logits: Float32Array, alternatives: number): void {
    const { vocabularySize } = this.decoder;
    const { imageTokenId, images } = this.prompt;
    const next = this.ids.subarray(this.position + 1, this.position + 1 + logits.length / vocabularySize);
    for (const [at, id] of next.entries()) {
      if (this.position + at < this.tokensTold) continue;
      const row = logits.subarray(at * vocabularySize, (at + 1) * vocabularySize);
      const isImage = images.length > 0 && id === imageTokenId;
      this.logprobs.push(isImage ? null : givenLogprobs(row, id, alternatives));
    }
  }

  private imagesOf(ids: readonly number[]): TokenRun['replaced'] {
    const { features, imageTokenId, images, ids: promptIds } = this.prompt;
    const total = images.reduce((sum, { tokens }) => sum + tokens, 0);
    const size = features.length / total;
    const replaced: { at: number; embedding: Float32Array }[] = [];
    for (const [at, id] of ids.entries()) {
      // Behind the prompt the id is a token like others.
      if (id !== imageTokenId || this.position + at >= promptIds.length) continue;
      if (this.imageTokens >= total) {
        throw new Error(`The prompt has more image tokens than the ${total} image embeddings.`);
      }
      const embedding = features.subarray(this.imageTokens * size, (this.imageTokens + 1) * size);
      replaced.push({ at, embedding });
      this.imageTokens += 1;
    }
    return replaced;
  }
}
