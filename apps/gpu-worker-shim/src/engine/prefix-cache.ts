import type { Decoder, DecoderRow, KvCache } from './decoder/decoder.js';
import type { Prompt } from './generation-request.js';

/** Which tokens a cache was made of. */
export interface TokenPrefix {
  readonly ids: Int32Array;
  readonly imageTokenId: number;
  readonly images: Prompt['images'];
  readonly salt: string;
}

interface Entry<Cache> {
  readonly prefix: TokenPrefix;
  readonly cache: Cache;
}

/** What is found is cut to whole blocks, as vLLM does it; less than one block is not worth a copy. */
const BLOCK_TOKENS = 16;
/** Each look-up compares with all entries: a few microseconds with as many as this. */
const MAX_ENTRIES = 256;

/** How many tokens two sequences have in common; an image's tokens are equal only if the images are. */
function commonTokens(a: TokenPrefix, b: TokenPrefix): number {
  const bound = Math.min(a.ids.length, b.ids.length);
  let length = 0;
  let imageTokensLeft = 0;
  let image = 0;
  while (length < bound && a.ids[length] === b.ids[length]) {
    if (a.ids[length] === a.imageTokenId && a.images.length > 0) {
      if (imageTokensLeft === 0) {
        const [mine, other] = [a.images[image], b.images[image]];
        // Answers may hold the id as plain text, behind all images.
        if (mine?.digest !== other?.digest) break;
        imageTokensLeft = mine?.tokens ?? Number.POSITIVE_INFINITY;
        image += 1;
      }
      imageTokensLeft -= 1;
    }
    length += 1;
  }
  return length;
}

/**
 * Keys and values of prompts and answers that have been run, so that a prompt which begins like one of them runs only
 * its rest. Bounded in bytes; what was used last stays.
 */
export class PrefixCache<Cache extends KvCache> {
  /** In the order of their last use, oldest first. */
  private entries: Entry<Cache>[] = [];
  private tokens = 0;
  /** Tokens that were looked up, and that were found, since the start. */
  queries = 0;
  hits = 0;

  /** @param maxBytes 0: keep nothing. */
  constructor(
    private readonly decoder: Pick<Decoder<Cache, DecoderRow>, 'truncate' | 'bytesPerToken'>,
    private readonly maxBytes: number,
  ) {}

  /** Bytes of keys and values that are kept. */
  get bytes(): number {
    return this.tokens * this.decoder.bytesPerToken;
  }

  /** The longest known beginning; at least one token is left to be run, since its logits are wanted. */
  find(prefix: TokenPrefix): Cache | undefined {
    this.queries += prefix.ids.length;
    const { entry, length } = this.best(prefix);
    if (entry === undefined || length === 0) return undefined;
    this.touch(entry);
    this.hits += length;
    const { cache } = entry;
    return cache.length === length ? cache : this.decoder.truncate(cache, length);
  }

  /** How many tokens `find` would spare. Counts for nothing. */
  foresee(prefix: TokenPrefix): number {
    return this.best(prefix).length;
  }

  /** Is this known as a whole? Then `put` would add nothing. */
  has(prefix: TokenPrefix): boolean {
    return this.closest(prefix).common === prefix.ids.length;
  }

  /** Keeps a cache that was made of exactly these tokens. What is only its beginning is dropped. */
  put(prefix: TokenPrefix, cache: Cache): void {
    if (cache.length * this.decoder.bytesPerToken > this.maxBytes || cache.length < BLOCK_TOKENS) return;
    if (this.has(prefix)) return;
    for (const entry of this.entries) {
      const isBeginning = entry.prefix.salt === prefix.salt && entry.cache.length < cache.length;
      if (isBeginning && commonTokens(entry.prefix, prefix) === entry.cache.length) this.drop(entry);
    }
    this.entries.push({ prefix, cache });
    this.tokens += cache.length;
    while (this.bytes > this.maxBytes || this.entries.length > MAX_ENTRIES) this.drop(this.entries[0]!);
  }

  /** Who begins like this, and for how many tokens that is of use. */
  private best(prefix: TokenPrefix): { entry?: Entry<Cache>; length: number } {
    const { entry, common } = this.closest(prefix);
    const usable = Math.min(common, prefix.ids.length - 1);
    return { ...(entry !== undefined && { entry }), length: usable - (usable % BLOCK_TOKENS) };
  }

  private closest(prefix: TokenPrefix): { entry?: Entry<Cache>; common: number } {
    let best: { entry?: Entry<Cache>; common: number } = { common: 0 };
    for (const entry of this.entries) {
      if (entry.prefix.salt !== prefix.salt) continue;
      const common = commonTokens(entry.prefix, prefix);
      if (common > best.common) best = { entry, common };
    }
    return best;
  }

  private touch(entry: Entry<Cache>): void {
    this.entries = [...this.entries.filter((other) => other !== entry), entry];
  }

  private drop(entry: Entry<Cache>): void {
    this.entries = this.entries.filter((other) => other !== entry);
    this.tokens -= entry.cache.length;
  }
}
