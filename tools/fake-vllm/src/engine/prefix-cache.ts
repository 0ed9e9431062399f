import type { Prompt } from '../generation/sampling.js';
import { hash } from '../tokenizer/vocabulary.js';

/** Tokens per block of the KV cache, vLLM's default. */
export const blockSize = 16;

/**
 * Which beginnings of prompts the KV cache still holds. A block is known by all that came before it, the images in
 * it, the model or adapter, and the `cache_salt`: another salt never hits. The least recently used blocks go first.
 */
export class PrefixCache {
  readonly #maxBlocks: number;
  readonly #blocks = new Set<number>();

  constructor(maxBlocks: number) {
    this.#maxBlocks = maxBlocks;
  }

  /** Looks a prompt up, remembers it, and returns how many of its tokens were there. */
  admit(prompt: Prompt, model: string, salt: string | undefined): number {
    const ids = prompt.cacheIds;
    let parent = hash(`${model}\u0000${salt ?? ''}`);
    let hits = 0;
    let isHit = true;
    // The last token is always computed, or there would be nothing to sample from.
    const lookups = Math.floor((ids.length - 1) / blockSize);
    for (let block = 0; (block + 1) * blockSize <= ids.length; block += 1) {
      parent = hash(`${parent}:${ids.slice(block * blockSize, (block + 1) * blockSize).join(',')}`);
      isHit &&= block < lookups && this.#blocks.has(parent);
      if (isHit) hits += 1;
      this.#blocks.delete(parent);
      this.#blocks.add(parent);
    }
    this.#evict();
    return hits * blockSize;
  }

  #evict(): void {
    for (const block of this.#blocks) {
      if (this.#blocks.size <= this.#maxBlocks) return;
      this.#blocks.delete(block);
    }
  }
}
