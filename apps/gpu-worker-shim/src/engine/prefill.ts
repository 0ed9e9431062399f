import type { Decoder, DecoderResult, KvCache } from './decoder/decoder.js';
import type { GenerationRequest } from './generation-request.js';

/** Bounds how long a prompt keeps running answers waiting: about 0.3 s per piece for a 135 M model on two cores. */
const PIECE_TOKENS = 128;

/**
 * Runs one prompt through the decoder, a piece at a time. The cuts depend on the prompt alone, so a prompt gives the
 * same numbers whatever else is running.
 */
export class Prefill<Cache extends KvCache> {
  private cache: Cache | undefined;
  private position = 0;
  private imageTokens = 0;

  constructor(
    readonly request: GenerationRequest,
    private readonly decoder: Decoder<Cache>,
  ) {}

  get cachedTokens(): number {
    return this.cache?.length ?? 0;
  }

  /** Runs the next piece. Gives the result of the whole prompt with the last one, else undefined. */
  async advance(): Promise<DecoderResult<Cache> | undefined> {
    const { ids } = this.request.prompt;
    const piece = [...ids.subarray(this.position, this.position + PIECE_TOKENS)];
    const embeddings = await this.decoder.embed(piece);
    this.placeImages(piece, embeddings);
    const result = await this.decoder.extend(this.cache, embeddings);
    this.cache = result.cache;
    this.position += piece.length;
    return this.position < ids.length ? undefined : result;
  }

  private placeImages(piece: readonly number[], embeddings: Float32Array): void {
    const { features, imageTokenId } = this.request.prompt;
    const size = this.decoder.hiddenSize;
    for (const [at, id] of piece.entries()) {
      if (id !== imageTokenId) continue;
      const from = this.imageTokens * size;
      if (from + size > features.length) {
        throw new Error(
          `The prompt has more image tokens than the ${features.length / size} image embeddings.`,
        );
      }
      embeddings.set(features.subarray(from, from + size), at * size);
      this.imageTokens += 1;
    }
  }
}
