import { Decoder, type DecoderResult, type DecoderRow, type KvCache } from '../decoder/decoder.js';
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

/**
 * A scripted decoder: its embeddings are the ids themselves, and `next` gives the best token after what a sequence was
 * fed. It records the order of passes.
 */
export class FakeDecoder extends Decoder<FakeCache> {
  readonly vocabularySize = letters.size;
  readonly hiddenSize = 1;
  readonly passes: string[] = [];
  isClosed = false;

  constructor(private readonly next: (fed: readonly number[]) => number) {
    super();
  }

  async embed(ids: readonly number[]): Promise<Float32Array> {
    return Float32Array.from(ids);
  }

  async extend(cache: FakeCache | undefined, embeddings: Float32Array): Promise<DecoderResult<FakeCache>> {
    this.passes.push(`extend ${embeddings.length}`);
    return this.pass(cache, [...embeddings]);
  }

  async step(rows: readonly DecoderRow<FakeCache>[]): Promise<DecoderResult<FakeCache>[]> {
    this.passes.push(`step ${rows.length}`);
    return rows.map((row) => this.pass(row.cache, [row.token]));
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  private pass(cache: FakeCache | undefined, added: number[]): DecoderResult<FakeCache> {
    const fed = [...(cache?.fed ?? []), ...added];
    const logits = new Float32Array(this.vocabularySize);
    logits[this.next(fed)] = 10;
    return { cache: { length: fed.length, fed }, logits };
  }
}
