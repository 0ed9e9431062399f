import type { SeenImage } from './seen-image.js';

/** vLLM's processor cache: images by uuid or by the digest of their bytes, the least recently used go first. */
export class MediaCache {
  readonly #maxItems: number;
  readonly #items = new Map<string, SeenImage>();

  constructor(maxItems: number) {
    this.#maxItems = maxItems;
  }

  get isOn(): boolean {
    return this.#maxItems > 0;
  }

  get(key: string): SeenImage | undefined {
    const found = this.#items.get(key);
    if (found !== undefined) this.put(key, found);
    return found;
  }

  put(key: string, image: SeenImage): void {
    this.#items.delete(key);
    this.#items.set(key, image);
    const [oldest] = this.#items.keys();
    if (this.#items.size > this.#maxItems && oldest !== undefined) this.#items.delete(oldest);
  }
}
